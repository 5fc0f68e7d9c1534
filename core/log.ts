/** Records of the log, in the formats that the clients of runc read: text and JSON as logrus writes them. */

import { RunoError } from "./error.ts";

/** From the gravest to the most talkative. */
export const LEVELS = ["error", "warning", "info", "debug"] as const;
export type Level = typeof LEVELS[number];

export type LogFormat = "text" | "json";

/** More about a record than its message; text shows it of debug records only. */
export type Details = Readonly<Record<string, string | number | undefined>>;

/** How and where to log. */
export interface LogOptions {
  /** Absolute path of the file that records are added to; stderr without. */
  readonly path?: string | undefined;
  readonly format: LogFormat;
  /** Records above this level are not written. */
  readonly level: Level;
}

/** A log that is open. */
export class Log {
  readonly #options: LogOptions;
  readonly #sink: Sink;

  /** @throws {RunoError} when the file cannot be opened; nothing is ever thrown later */
  constructor(options: LogOptions) {
    this.#options = options;
    this.#sink = options.path === undefined ? stderrSink(options.format) : openFile(options.path, options.format);
  }

  /** Whether records go to stderr, so that an error need not be told there once more. */
  get onStderr(): boolean {
    return this.#options.path === undefined;
  }

  /** Whether records of this level are written. */
  wants(level: Level): boolean {
    return LEVELS.indexOf(level) <= LEVELS.indexOf(this.#options.level);
  }

  write(level: Level, message: string, details: Details = {}): void {
    if (this.wants(level)) this.#sink(level, message, details);
  }
}

type Sink = (level: Level, message: string, details: Details) => void;

function stderrSink(format: LogFormat): Sink {
  const begun = performance.now();
  return (level, message, details) => {
    const seconds = Math.floor((performance.now() - begun) / 1000);
    const record = format === "text" && Deno.stderr.isTerminal()
      ? terminalRecord({ level, message, seconds })
      : recordOf(format, { level, message, details, time: new Date() });
    writeAll(Deno.stderr, record);
  };
}

function openFile(path: string, format: LogFormat): Sink {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { write: true, append: true, create: true, mode: 0o644 });
  } catch (error) {
    throw new RunoError(`opening log "${path}"`, { cause: error });
  }
  return (level, message, details) => writeAll(file, recordOf(format, { level, message, details, time: new Date() }));
}

const encoder = new TextEncoder();

/** A log that nobody takes any more must not fail the work. */
function writeAll(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += to.writeSync(bytes.subarray(done));
  } catch {
    // there is no other place to say it
  }
}

/** One record. */
export interface LogRecord {
  readonly level: Level;
  readonly message: string;
  readonly details: Details;
  readonly time: Date;
}

function recordOf(format: LogFormat, record: LogRecord): string {
  return format === "json" ? jsonRecord(record) : textRecord(record);
}

/** One line of JSON, keys sorted. Clients read `level`, `msg` and `time`; all other keys are runo's. */
export function jsonRecord({ level, message, details, time }: LogRecord): string {
  const fields = { ...details, level, msg: message, time: rfc3339(time) };
  const sorted = Object.entries(fields).filter(([, value]) => value !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return `${goJson(Object.fromEntries(sorted))}\n`;
}

/** `time="..." level=error msg="..."`, and below the levels that callers read the details: `at=1.5ms` */
export function textRecord({ level, message, time, details = {} }: Optional<LogRecord, "details">): string {
  const shown = level !== "debug"
    ? []
    : Object.entries(details).flatMap(([key, value]) =>
      value === undefined ? [] : [` ${key}=${quoted(String(value))}`]
    );
  return `time=${quoted(rfc3339(time))} level=${level} msg=${quoted(message)}${shown.join("")}\n`;
}

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

const COLOURS: Readonly<Record<Level, number>> = { error: 31, warning: 33, info: 36, debug: 37 };

/** What a person at a terminal sees: the level in colour, seconds since the start, the message padded to 44 columns. */
export function terminalRecord(
  { level, message, seconds }: { readonly level: Level; readonly message: string; readonly seconds: number },
): string {
  const name = level.toUpperCase().slice(0, 4);
  return `\x1b[${COLOURS[level]}m${name}\x1b[0m[${String(seconds).padStart(4, "0")}] ${message.padEnd(44)} \n`;
}

/** A value of a text record: bare when it is a plain word, else quoted as Go quotes. */
function quoted(text: string): string {
  return /^[\w\-./@^+]*$/.test(text) ? text : goQuote(text);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** Go's %q: printable characters as they are, all others escaped. */
export function goQuote(text: string): string {
  const inner = text.replaceAll(/["\\]|[^\P{C}]|[\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (character) => {
    const code = character.codePointAt(0)!;
    if (ESCAPES[character] !== undefined) return ESCAPES[character];
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `"${inner}"`;
}

/** JSON as Go's encoder writes it: "<", ">", "&" and two separators of lines are escaped. */
export function goJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** RFC 3339 with whole seconds in local time, "Z" where that is UTC. */
export function rfc3339(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}
