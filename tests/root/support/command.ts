/** Commands with a time limit, whose output goes to files: a container may hold a pipe long after the command has ended. */

/** How a command ended and what it printed. */
export interface Result {
  /** 128 + signal when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface ExecuteOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Start with `env` alone. */
  readonly clearEnv?: boolean;
  readonly cwd?: string;
  /** What the command sees as its name. */
  readonly argv0?: string;
  /** Shell commands that mount what the command is to see, in a mount namespace of its own. */
  readonly mounts?: string;
  /** Shell words before the command: "ulimit -n 100;". */
  readonly before?: string;
  /** A command that executes it: "setpriv --groups 7". */
  readonly through?: string;
  /** Redirections after it: "3</dev/null". */
  readonly after?: string;
  /** Milliseconds until it is killed. */
  readonly timeout?: number;
}

/** A command that runs. */
export interface Running {
  readonly pid: number;
  readonly result: Promise<Result>;
  /** What it has printed so far. */
  stdout(): string;
}

/** How many times longer everything may take: in a virtual machine without hardware support it does. */
export const PATIENCE: number = Deno.env.get("RUNO_VM") === undefined ? 1 : 10;

const TIME_LIMIT_MS = 60_000 * PATIENCE;

/** Runs a command to its end. @throws {Error} when it takes too long */
export function execute(command: readonly string[], options: ExecuteOptions = {}): Promise<Result> {
  return start(command, options).result;
}

/** Starts a command. */
export function start(command: readonly string[], options: ExecuteOptions = {}): Running {
  const dir = Deno.makeTempDirSync({ prefix: "runo-test-out-" });
  const [program, ...args] = command;
  if (options.stdin !== undefined) Deno.writeTextFileSync(`${dir}/in`, options.stdin);
  const stdin = options.stdin === undefined ? "/dev/null" : `${dir}/in`;
  const { before = "", after = "" } = options;
  const script = `${before} exec ${execution(options)} <${stdin} >${dir}/out 2>${dir}/err ${after}`;
  const child = new Deno.Command(options.argv0 === undefined ? "sh" : "bash", {
    args: ["-c", script, program!, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    ...options.env === undefined ? {} : { env: { ...options.env } },
    ...options.cwd === undefined ? {} : { cwd: options.cwd },
    clearEnv: options.clearEnv ?? false,
  }).spawn();
  return { pid: child.pid, result: ending(child, dir, { command, options }), stdout: () => read(`${dir}/out`) };
}

/** The words of a shell that execute "$0" with "$@". */
function execution({ argv0, mounts, through = "" }: ExecuteOptions): string {
  const command = `${argv0 === undefined ? "" : `-a '${argv0}' `}${through} "$0" "$@"`;
  if (mounts === undefined) return command;
  return `unshare --mount --propagation private sh -ec '${mounts}; exec ${command}' ${command}`;
}

async function ending(
  child: Deno.ChildProcess,
  dir: string,
  { command, options }: { command: readonly string[]; options: ExecuteOptions },
): Promise<Result> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, options.timeout ?? TIME_LIMIT_MS);
  try {
    const { code } = await child.status;
    const result = { code, stdout: read(`${dir}/out`), stderr: read(`${dir}/err`) };
    if (late) throw new Error(`"${command.join(" ")}" takes too long: ${JSON.stringify(result)}`);
    return result;
  } finally {
    clearTimeout(timer);
    Deno.removeSync(dir, { recursive: true });
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
