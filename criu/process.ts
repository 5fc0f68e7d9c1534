/** A CRIU that is running: started by a program of system calls, looked after by pidfd. */

import { AT_FDCWD, O_CLOEXEC, O_RDONLY, SIGKILL } from "../ffi/abi.ts";
import { call } from "../ffi/call.ts";
import { duplicate, Fd } from "../ffi/fd.ts";
import { memoryFile, sealedFile } from "../ffi/file.ts";
import { passCredentials, receive, send, socketPair } from "../ffi/socket.ts";
import { type ExitStatus, pidfdOpen, pidfdSignal, reap, spawn, waitEnded } from "../ffi/spawn.ts";
import { errnoOf } from "../core/error.ts";
import { stepError } from "../core/host/conversation.ts";
import { inheritedEnvironment } from "../core/host/environment.ts";
import { ASK } from "../core/plan/asks.ts";
import { planCriu, planLoopback, type RestoreInputs } from "../core/plan/criu.ts";
import { MESSAGE } from "../core/program/image.ts";
import type { Program } from "../core/program/program.ts";

/** How CRIU is started. */
export interface Start {
  /** The executable. */
  readonly path: string;
  /** What follows argv[0]. */
  readonly args: readonly string[];
  /** Its descriptors from 3 on. */
  readonly files?: readonly Fd[];
  /** For a restore: the caller's stdio becomes that of the container. Absent, CRIU gets none, and what it says is kept. */
  readonly restore?: Restore;
}

/** What CRIU is to find for a restore. */
export interface Restore extends RestoreInputs {
  /** Puts the process into the container's cgroup, where it may not go by itself. */
  readonly enterCgroup: (pid: number) => void;
}

const END_TIMEOUT_MS = 10_000;

/** A running CRIU. Disposing of it kills and reaps it. */
export class CriuProcess implements Disposable {
  #pid: number;
  #pidfd: Fd;
  readonly #output: Fd | undefined;
  #ended: ExitStatus | undefined;

  constructor(pid: number, output: Fd | undefined) {
    this.#pid = pid;
    this.#pidfd = pidfdOpen(pid);
    this.#output = output;
  }

  get pid(): number {
    return this.#pid;
  }

  get pidfd(): Fd {
    return this.#pidfd;
  }

  /** It goes on as its clone, a child of this process too, and ends itself. */
  continueAs(clone: number): void {
    if (clone === this.#pid) return;
    reap(this.#pid);
    this.#pidfd[Symbol.dispose]();
    this.#pid = clone;
    this.#pidfd = pidfdOpen(clone);
  }

  /** Waits for its end, and reaps it. */
  wait(): ExitStatus {
    return this.#ended ??= reap(this.#pid) ?? { code: 0 };
  }

  /** Waits for its end as long as one that has nothing left to do may take, and then kills it. */
  end(): ExitStatus {
    if (this.#ended === undefined && !waitEnded(this.#pidfd, END_TIMEOUT_MS)) this.#kill();
    return this.wait();
  }

  /** What it has written to stdout and stderr so far, where that was kept. */
  said(): string {
    if (this.#output === undefined) return "";
    return Deno.readTextFileSync(`/proc/self/fd/${this.#output.number}`).trim();
  }

  [Symbol.dispose](): void {
    if (this.#ended === undefined) this.#kill();
    this.#pidfd[Symbol.dispose]();
    this.#output?.[Symbol.dispose]();
  }

  #kill(): void {
    try {
      pidfdSignal(this.#pidfd, SIGKILL);
    } catch (error) {
      if (errnoOf(error) !== "ESRCH") throw error;
    }
    this.wait();
  }
}

/**
 * Starts CRIU.
 * @throws {RunoError} when it cannot be executed, or not as it must be
 */
export function startCriu(start: Start): CriuProcess {
  const output = start.restore === undefined ? memoryFile("criu output") : undefined;
  const [report, theirs] = socketPair();
  using socket = report;
  passCredentials(socket);
  const { pid, program } = launch(start, output, theirs);
  const process = new CriuProcess(pid, output);
  try {
    confirm(socket, program, {
      reporter: (reporter) => process.continueAs(reporter),
      enterCgroup: () => start.restore?.enterCgroup(process.pid),
    });
    return process;
  } catch (error) {
    process[Symbol.dispose]();
    throw error;
  }
}

/** Starts the program; the descriptors that it inherits are closed here at once, so that its end is the end of the conversation. */
function launch(start: Start, output: Fd | undefined, reporter: Fd): { pid: number; program: Program } {
  const { path, args, files = [], restore } = start;
  using stack = new DisposableStack();
  stack.use(reporter);
  const nothing = stack.use(openNull());
  const stdio = output === undefined ? [0, 1, 2] : [nothing.number, output.number, output.number];
  const numbers = [...stdio, ...files.map(({ number }) => number)];
  // beyond the numbers that they get in the end, so that none is overwritten too early
  const inherit = (fd: number) => stack.use(duplicate(fd, numbers.length, true)).number;
  const socket = inherit(reporter.number);
  const program = planCriu({
    arch: Deno.build.arch,
    path,
    args: ["criu", ...args],
    env: inheritedEnvironment(),
    files: numbers.map(inherit),
    ...restore === undefined ? {} : { restore },
  });
  const image = stack.use(sealedFile("runo-criu", program.image(socket)));
  return { pid: spawn(`/proc/self/fd/${image.number}`, ["runo", "criu"], []), program };
}

function openNull(): Fd {
  return new Fd(call("openat", AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0));
}

interface Reported {
  /** Who has reported something: the process that was started, or the one that goes on for it. */
  readonly reporter: (pid: number) => void;
  /** It asks to be put into its cgroup. */
  readonly enterCgroup: () => void;
}

/** The end of the reports means that CRIU is being executed, a report that it could not be. */
function confirm(report: Fd, program: Program, { reporter, enterCgroup }: Reported): void {
  for (;;) {
    const { bytes, pid } = receive(report, 4096);
    if (bytes.length === 0) return;
    reporter(pid);
    const words = new DataView(bytes.buffer);
    if (words.getUint32(0, true) === MESSAGE.FAILED) {
      throw stepError(program, words.getUint32(4, true), words.getUint32(8, true), []);
    }
    if (words.getUint32(0, true) !== MESSAGE.ASK || words.getUint32(4, true) !== ASK.cgroup) continue;
    enterCgroup();
    send(report, Uint8Array.of(1));
  }
}

/** Brings up the loopback device of the network namespace that a process is in. @throws {RunoError} */
export function loopbackUp(pid: number): void {
  const [ours, theirs] = socketPair();
  using report = ours;
  using process = pidfdOpen(pid);
  const start = () => {
    using reporter = theirs;
    using socket = duplicate(reporter.number, 3, true);
    using inherited = duplicate(process.number, 3, true);
    const program = planLoopback(Deno.build.arch, inherited.number);
    using image = sealedFile("runo-loopback", program.image(socket.number));
    return { pid: spawn(`/proc/self/fd/${image.number}`, ["runo", "loopback"], []), program };
  };
  const started = start();
  try {
    confirm(report, started.program, { reporter: () => {}, enterCgroup: () => {} });
  } finally {
    reap(started.pid);
  }
}
