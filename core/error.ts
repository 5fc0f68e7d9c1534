/** The one error class of runo: what was being done, to what, and why it failed. */

/**
 * What sort of failure it is. Callers branch on this, never on text.
 *
 * - `usage`: the command line is wrong
 * - `invalid`: config.json, a process file or an option has a bad value
 * - `not-found`: the container does not exist
 * - `exists`: the container exists already
 * - `state`: the container is in the wrong state for the request
 * - `unsupported`: this kernel or host lacks what was asked for
 * - `hook`: a hook failed, and the container must not live
 * - `system`: the kernel (or a file, or a program) said no
 */
export type ErrorKind = "usage" | "invalid" | "not-found" | "exists" | "state" | "unsupported" | "hook" | "system";

/** Facts of a failure, for programs. */
export interface ErrorFacts {
  /** What was being done, where it was a step of a plan. */
  readonly step?: string | undefined;
  readonly syscall?: string | undefined;
  /** The errno's name, such as "ENOENT". */
  readonly errno?: string | undefined;
  /** JSON pointer (RFC 6901) to what asked for it, in config.json or another file that was given. */
  readonly pointer?: string | undefined;
}

/** What may be said beside the phrase. What is not said is taken over from the cause. */
export interface ErrorOptions extends ErrorFacts {
  readonly kind?: ErrorKind;
  readonly cause?: unknown;
  /** The likely fix, as one short clause. */
  readonly hint?: string | undefined;
}

/**
 * An error of runo. `phrase` says what was being done ("opening exec fifo \"/run/...\""), `cause` says why it failed.
 * The whole message is the chain: `phrase: cause phrase: ... (hint)`. Lower case, no full stop, one line.
 */
export class RunoError extends Error implements ErrorFacts {
  override readonly name = "RunoError";
  readonly phrase: string;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly step: string | undefined;
  readonly syscall: string | undefined;
  readonly errno: string | undefined;
  readonly pointer: string | undefined;

  constructor(phrase: string, options: ErrorOptions = {}) {
    const { cause, hint } = options;
    const because = cause === undefined ? "" : `: ${messageOf(cause)}`;
    const aside = hint === undefined ? "" : ` (${hint})`;
    super(`${phrase}${because}${aside}`, cause === undefined ? {} : { cause });
    this.phrase = phrase;
    this.kind = options.kind ?? (cause instanceof RunoError ? cause.kind : "system");
    const inner = cause instanceof RunoError ? cause : undefined;
    this.hint = hint ?? inner?.hint;
    this.step = options.step ?? inner?.step;
    this.syscall = options.syscall ?? inner?.syscall ?? syscallOf(cause);
    this.errno = options.errno ?? errnoOf(cause);
    this.pointer = options.pointer ?? inner?.pointer;
  }

  /** The kind, under the name by which programs look for it. */
  get code(): ErrorKind {
    return this.kind;
  }
}

function syscallOf(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error && typeof error.syscall === "string" ? error.syscall : undefined;
}

/** The text of anything thrown, without class names and stack; an OS error of Deno is named by its errno alone. */
export function messageOf(error: unknown): string {
  if (error instanceof RunoError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const code = errnoOf(error);
  return code !== undefined && !("syscall" in error) ? code : error.message;
}

/** The errno name ("ENOENT") behind an error of Deno or of a system call, if there is one. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof RunoError) return error.errno;
  if (error instanceof Error && "errno" in error && typeof error.errno === "string") return error.errno;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  // Deno has no class for it, and no code: a process that ended while its file was read
  return error instanceof Error && error.message.includes("(os error 3)") ? "ESRCH" : undefined;
}
