/**
 * A program of the build, which the executable that is to be frozen runs: it loads all of runo's scripts, lets containers live, tells what
 * the kernel does not show of the process, and waits in the handler of a signal. What follows that runs in each process that thaws.
 */

import { NOFILE_VARIABLE } from "../../../core/host/nofile.ts";
import type { Script } from "../bundle.ts";
import { SAY_IN_ONE_LINE } from "../payload.ts";
import { STATE } from "./places.ts";

/** What only the process itself can tell. Addresses are decimal. */
export interface Told {
  readonly pid: number;
  /** Of the thread's descriptor in libc. */
  readonly self: string;
  /** Of libc's `__curbrk`: where it believes the heap to end. */
  readonly currentBreak: string;
  /** Where handlers return to: the frame of a signal begins with it. */
  readonly restorer: string;
  /** What signals are handled with: the words of the kernel's struct sigaction. */
  readonly signals: readonly (readonly [signal: number, action: readonly string[]])[];
}

const SIGUSR2 = 12,
  SIGSEGV = 11,
  SIGNALS = 64,
  SIG_IGN = 1n,
  SIGNAL_SET_BYTES = 8n,
  CLOCK_MONOTONIC = 1,
  RLIMIT_NOFILE = 7;
const SYS_rt_sigaction = 13n, SA_SIGINFO = 0x4n, SA_RESTORER = 0x4000000n;
/** So many that V8 begins to write down what a function meets. */
const ROUNDS = 10;
/** Registers that the entry has filled: argv, envp. */
const REGISTERS = 4;

const directory = Deno.env.get("RUNO_WARM_UP")!;
const libc = Deno.dlopen("libc.so.6", {
  _exit: { parameters: ["i32"], result: "void" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  dlsym: { parameters: ["pointer", "buffer"], result: "u64" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getpid: { parameters: [], result: "i32" },
  pthread_self: { parameters: [], result: "u64" },
  raise: { parameters: ["i32"], result: "i32" },
  wait4: { parameters: ["i32", "pointer", "i32", "pointer"], result: "i32" },
  syscall: { parameters: ["i64", "i64", "buffer", "buffer", "i64"], result: "i64" },
}).symbols;

/** The program: runs a command line. @returns the exit code */
type Main = (words: readonly string[]) => Promise<number>;

/** Loads the scripts; the entry runs once, without a word on its command line. */
async function load(): Promise<Main> {
  const { constants, Script } = await import("node:vm");
  const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const scripts: readonly Script[] = JSON.parse(Deno.readTextFileSync(`${directory}/scripts.json`));
  const factories = new Map(scripts.map(({ name, text }) => {
    const script = new Script(text, { filename: `runo:${name}`, importModuleDynamically, cachedData: compiled(name) });
    return [name, script.runInThisContext()];
  }));
  const loaded: Record<string, unknown> = {};
  const load = (name: string): unknown => loaded[name] ??= factories.get(name)(load, later);
  const later = (name: string) => Promise.resolve().then(() => load(name));
  const [entry, ...others] = factories.keys();
  for (const name of others) load(name);
  const { exit } = Deno;
  replace(Deno, "exit", () => {});
  const { main } = await factories.get(entry!)(load, later);
  replace(Deno, "exit", exit);
  return main;
}

/**
 * Lets containers live and die: functions are compiled then, and V8 knows what they meet. That, and an open C library, is all that
 * stays of it: no module keeps what it has found out about the host.
 */
async function warmUp(main: Main, rounds: number): Promise<void> {
  const commands: readonly (readonly string[])[] = JSON.parse(Deno.readTextFileSync(`${directory}/lives.json`));
  const live = async (command: readonly string[]) => {
    const code = await main(["--root", `${directory}/state`, ...command]);
    // containers' processes are children of this one as long as it goes on, which runo itself does not
    if (command[0] === "kill") { while (libc.wait4(-1, null, 0, null) > 0); }
    return code;
  };
  for (let round = 0; round < rounds; round++) {
    for (const command of commands) {
      if (await live(command) === 0) continue;
      for (const last of commands.slice(-2)) await live(last);
      throw new Error(`"${command.join(" ")}" failed`);
    }
  }
}

/** Leaves no garbage behind, which would be in the way of V8 soon after. */
async function collect(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")]);
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** Without it functions are compiled when they are called. */
function compiled(name: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(`${directory}/${name}.compiled`);
  } catch {
    return undefined;
  }
}

/** Returns in the processes that thaw. */
function freeze(): void {
  const restorer = handler(SIGSEGV)[2]!;
  const signals = Array.from({ length: SIGNALS }, (_, i) => [i + 1, handler(i + 1)] as const)
    .filter(([, [address]]) => address! > SIG_IGN)
    .map(([signal, action]) => [signal, Array.from(action, String)] as const);
  const told: Told = {
    pid: libc.getpid(),
    self: String(libc.pthread_self()),
    currentBreak: String(symbol("__curbrk")),
    restorer: String(restorer),
    signals,
  };
  handler(SIGUSR2, BigUint64Array.of(symbol("pause"), SA_SIGINFO | SA_RESTORER, restorer, 0n));
  Deno.writeTextFileSync(`${directory}/told.json`, JSON.stringify(told));
  libc.raise(SIGUSR2);
}

/** The kernel's struct sigaction of a signal (handler, flags, restorer, mask), before it is changed if it is. */
function handler(signal: number, change: BigUint64Array<ArrayBuffer> | null = null): BigUint64Array {
  const before = new BigUint64Array(4);
  libc.syscall(SYS_rt_sigaction, BigInt(signal), change, before, SIGNAL_SET_BYTES);
  return before;
}

function symbol(name: string): bigint {
  return libc.dlsym(null, new TextEncoder().encode(`${name}\0`));
}

function words(address: bigint, count: number): BigUint64Array {
  return new BigUint64Array(Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(address)!, 8 * count));
}

/** Makes true again what Deno and libc have taken down at their start. */
function thaw(environ: BigUint64Array): void {
  const state = words(BigInt(STATE), REGISTERS), argv = state[2]!, envp = state[3]!;
  environ[0] = envp;
  Deno.env.set(NOFILE_VARIABLE, String(raiseOpenFiles()));
  // V8 asks for the time zone once, unless Deno hears of a change
  const zone = Deno.env.get("TZ");
  Deno.env.set("TZ", zone ?? "");
  if (zone === undefined) Deno.env.delete("TZ");
  const args = Array.from(words(argv, Number((envp - argv) / 8n) - 1), text);
  replace(Deno, "args", args.slice(1));
  replace(Deno, "pid", libc.getpid());
  const time = new BigInt64Array(2);
  const now = () => {
    libc.clock_gettime(CLOCK_MONOTONIC, time);
    return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
  };
  const start = now();
  replace(performance, "now", () => now() - start);
  if (!isSomewhere()) Deno.chdir("/");
}

/** Raises the soft limit of open files to the hard one, as Deno does at its start. @returns what it was */
function raiseOpenFiles(): bigint {
  const limit = new BigUint64Array(2);
  libc.getrlimit(RLIMIT_NOFILE, limit);
  const [soft, hard] = limit as unknown as [bigint, bigint];
  if (soft !== hard) libc.setrlimit(RLIMIT_NOFILE, BigUint64Array.of(hard, hard));
  return soft;
}

function text(address: bigint): string {
  return Deno.UnsafePointerView.getCString(Deno.UnsafePointer.create(address)!);
}

function replace(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true });
}

/** False in a directory that is gone, or outside the root. */
function isSomewhere(): boolean {
  try {
    return Deno.cwd().startsWith("/");
  } catch {
    return false;
  }
}

const main = await load(), environ = words(symbol("environ"), 1);
await warmUp(main, ROUNDS);
await collect();
await warmUp(main, 1);
freeze();
thaw(environ);
(0, eval)(`{${SAY_IN_ONE_LINE}}`);
libc._exit(await main(Deno.args));
