/** One hook as a process: what it reads, what becomes of its output, how long it may take. */

import { effectiveIds } from "./credentials.ts";
import { F_SETFL, O_APPEND, SIGKILL } from "../../ffi/abi.ts";
import { call, tryCall } from "../../ffi/call.ts";
import { duplicate, type Fd } from "../../ffi/fd.ts";
import { memoryFile, openPath, sealedFile, statFd } from "../../ffi/file.ts";
import { passCredentials, socketPair } from "../../ffi/socket.ts";
import { type ExitStatus, pidfdOpen, reap, spawn, waitEnded } from "../../ffi/spawn.ts";
import { messageOf } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import { planHook } from "../plan/hook.ts";
import type { Program } from "../program/program.ts";
import type { State } from "../spec/state.ts";
import type { Hook, NamespaceType, Spec } from "../spec/types.ts";
import { awaitExecution, converse } from "./conversation.ts";
import { inheritedEnvironment } from "./environment.ts";
import { lastCapability } from "./facts.ts";
import { homeVariable } from "./home.ts";
import { openFilesLimit } from "./nofile.ts";
import { setRlimits } from "./rlimits.ts";
import { compileSeccomp } from "./seccomp.ts";
import { handToAgent } from "./seccomp_agent.ts";
import { signalText } from "./signals.ts";

/** The container that a hook runs in. */
export interface HookContainer {
  readonly id: string;
  /** The process that it joins. */
  readonly pid: number;
  readonly namespaces: readonly NamespaceType[];
  readonly cgroup: CgroupDirectories;
  readonly noNewKeyring: boolean;
  readonly spec: Spec;
  /** Whether it gets the rights, and sees the root, of the container's process. */
  readonly confined: boolean;
}

/** Where a hook runs. */
export interface HookPlace {
  /** Its directory; absent: the caller's. */
  readonly cwd?: string;
  /** Absent: it runs in the host's namespaces. */
  readonly container?: HookContainer;
}

/** Runs a hook to its end. @returns why it failed, or undefined */
export function runHook(hook: Hook, state: State, place: HookPlace): string | undefined {
  using stdin = memoryFile("state", new TextEncoder().encode(JSON.stringify(state)));
  // memory, so that nothing that the hook leaves behind can hold anybody up, or be ended by a pipe without a reader
  using stdout = outputFile("stdout");
  using stderr = outputFile("stderr");
  const [ours, theirs] = socketPair();
  using socket = ours;
  passCredentials(socket);
  const { program, process } = start({ hook, place, stdio: [stdin, stdout, stderr], theirs });
  try {
    converse(socket, program, answers(process, place, state));
    awaitExecution(socket, program);
  } catch (error) {
    process.kill();
    return messageOf(error);
  }
  const status = awaitEnd(process, hook.timeout);
  if (status === "timeout") return `hook ran past specified timeout of ${(hook.timeout ?? 0).toFixed(1)}s`;
  if ("code" in status && status.code === 0) return undefined;
  const how = "code" in status ? `exit status ${status.code}` : `signal: ${signalText(status.signal)}`;
  return `${how}, stdout: ${tail(stdout)}, stderr: ${tail(stderr)}`;
}

/** The process that was spawned, until the clone of it that joined the pid namespace takes its place. */
class HookProcess {
  pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  asked(pid: number): void {
    if (pid === this.pid) return;
    reap(this.pid);
    this.pid = pid;
  }

  kill(): void {
    tryCall("kill", this.pid, SIGKILL);
    reap(this.pid);
  }
}

function answers(process: HookProcess, { container }: HookPlace, state: State): Parameters<typeof converse>[2] {
  const { user, rlimits = [] } = container?.spec.process ?? {};
  return {
    asker: (pid) => process.asked(pid),
    home: ({ fd }) => homeVariable(fd!, user?.uid ?? 0),
    rlimits: ({ pid }) => setRlimits(pid, rlimits),
    seccomp: (ask) => handToAgent(container?.spec.linux?.seccomp, ask, state),
    ready: () => {},
  };
}

/** Waits for the hook, no longer than it may take; what it has started itself is not waited for. */
function awaitEnd(process: HookProcess, timeout: number | undefined): ExitStatus | "timeout" {
  if (timeout !== undefined) {
    using pidfd = pidfdOpen(process.pid);
    if (!waitEnded(pidfd, timeout * 1000)) {
      process.kill();
      return "timeout";
    }
  }
  return reap(process.pid) ?? { code: 0 };
}

/** Appended to, so that two descriptors of it (/dev/stderr opened again) do not write over each other. */
function outputFile(name: string): Fd {
  const file = memoryFile(name);
  call("fcntl", file.number, F_SETFL, O_APPEND);
  return file;
}

const TAIL_BYTES = 2048;

/** The end of the output as one line: callers take errors of less than 8 KiB, and log them by line. */
function tail(file: Fd): string {
  const { size } = statFd(file.number);
  using reader = Deno.openSync(`/proc/self/fd/${file.number}`);
  reader.seekSync(Math.max(0, Number(size) - TAIL_BYTES), Deno.SeekMode.Start);
  const bytes = new Uint8Array(TAIL_BYTES);
  const text = new TextDecoder().decode(bytes.subarray(0, reader.readSync(bytes) ?? 0)).trim();
  return `${size > TAIL_BYTES ? "..." : ""}${text.replaceAll("\n", "\\n")}`;
}

interface Start {
  readonly hook: Hook;
  readonly place: HookPlace;
  readonly stdio: readonly [stdin: Fd, stdout: Fd, stderr: Fd];
  readonly theirs: Fd;
}

/** Starts the program; the copies of the descriptors that it inherits are closed here at once. */
function start({ hook, place, stdio, theirs }: Start): { program: Program; process: HookProcess } {
  using files = new DisposableStack();
  files.use(theirs);
  const inherit = (fd: Fd) => files.use(duplicate(fd.number, 3, true)).number;
  const { container, cwd } = place;
  const socket = inherit(theirs);
  const [stdin, stdout, stderr] = stdio;
  const program = planHook({
    hook,
    facts: { arch: Deno.build.arch, ...effectiveIds(), lastCapability: lastCapability(), nofile: openFilesLimit() },
    // in a container it sees nothing of the caller's
    env: container === undefined ? inheritedEnvironment() : container.spec.process?.env ?? [],
    stdio: [inherit(stdin), inherit(stdout), inherit(stderr)],
    socket,
    ...container === undefined ? {} : { container: joined(container, (fd) => inherit(files.use(fd))) },
    ...cwd === undefined ? {} : { cwd },
  });
  using image = sealedFile("runo-hook", program.image(socket));
  return { program, process: new HookProcess(spawn(`/proc/self/fd/${image.number}`, ["runo", "hook"], [])) };
}

function joined({ pid, spec, confined, ...container }: HookContainer, inherit: (fd: Fd) => number) {
  const chrooted = confined && !container.namespaces.includes("mount");
  return {
    ...container,
    init: inherit(pidfdOpen(pid)),
    root: chrooted ? inherit(openPath(`/proc/${pid}/root/.`)) : undefined,
    ...confined ? { confined: { spec, seccomp: compileSeccomp(spec.linux?.seccomp) } } : {},
  };
}
