/** Hooks: programs of the config that run at points of the life cycle, with the container's state on stdin. */

import { SIGKILL } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import { duplicate, type Fd } from "../../ffi/fd.ts";
import { memoryFile, sealedFile } from "../../ffi/file.ts";
import { passCredentials, receive, socketPair } from "../../ffi/socket.ts";
import { type ExitStatus, pidfdOpen, reap, spawn, waitEnded } from "../../ffi/spawn.ts";
import { RunoError } from "../error.ts";
import { planHook } from "../plan/hook.ts";
import type { Program } from "../program/program.ts";
import { OCI_VERSION, type State, type Status } from "../spec/state.ts";
import type { Hook, HookPhase } from "../spec/types.ts";
import { MESSAGE } from "../program/image.ts";
import type { Container } from "./container.ts";
import { stepError } from "./conversation.ts";
import { inheritedEnvironment } from "./environment.ts";
import { recordedAnnotations, recordedBundle } from "./state_file.ts";

/** Where hooks run. Absent: in the host's namespaces. */
export interface HookPlace {
  /** The process whose namespaces they join. */
  readonly pid: number;
  readonly userNamespace: boolean;
  readonly cwd?: string;
}

/** What a hook of a container that exists reads on stdin. */
export function hookState({ id, state }: Container, status: Status): State {
  const annotations = recordedAnnotations(state);
  return {
    ociVersion: OCI_VERSION,
    id,
    status,
    ...status === "stopped" ? {} : { pid: state.init_process_pid },
    bundle: recordedBundle(state),
    ...Object.keys(annotations).length === 0 ? {} : { annotations },
  };
}

/**
 * Runs the hooks of a phase in their order.
 * @throws {RunoError} at the first that fails; the rest of the phase is skipped
 */
export function runHooks(phase: HookPhase, hooks: readonly Hook[], state: State, place?: HookPlace): void {
  for (const [i, hook] of hooks.entries()) {
    const failure = runHook(hook, state, place);
    if (failure !== undefined) throw new RunoError(`error running ${phase} hook #${i}: ${failure}`, { kind: "hook" });
  }
}

/** Runs every hook of a phase, whatever becomes of the others: poststop. @returns what went wrong */
export function runAllHooks(phase: HookPhase, hooks: readonly Hook[], state: State): string[] {
  return hooks.flatMap((hook, i) => {
    const failure = runHook(hook, state, undefined);
    return failure === undefined ? [] : [`error running ${phase} hook #${i}: ${failure}`];
  });
}

/** Why the hook failed, or undefined. Its output goes to memory, so that nothing it leaves behind can hold it up. */
function runHook(hook: Hook, state: State, place: HookPlace | undefined): string | undefined {
  using stdin = memoryFile("state", new TextEncoder().encode(JSON.stringify(state)));
  using stdout = memoryFile("stdout");
  using stderr = memoryFile("stderr");
  const [ours, theirs] = socketPair();
  using socket = ours;
  passCredentials(socket);
  const { pid, program } = startHook({ hook, place, stdin, stdout, stderr, theirs });
  // only the hook's own copy is left: its end says that the hook is being executed
  theirs[Symbol.dispose]();
  const log = listen(socket, program);
  const status = log.failure === undefined ? awaitEnd(log.pid ?? pid, hook.timeout) : undefined;
  if (log.pid !== undefined || status === undefined) reap(pid);
  if (status === undefined) return log.failure;
  if (status === "timeout") return `hook ran past specified timeout of ${(hook.timeout ?? 0).toFixed(1)}s`;
  if ("code" in status && status.code === 0) return undefined;
  const how = "code" in status ? `exit status ${status.code}` : `signal: ${status.signal}`;
  return `${how}, stdout: ${content(stdout)}, stderr: ${content(stderr)}`;
}

/** What the program says until it becomes the hook: the pid of the process that it cloned, or the step that failed. */
function listen(socket: Fd, program: Program): { readonly pid?: number; readonly failure?: string } {
  let pid: number | undefined;
  for (;;) {
    const { bytes, pid: sender } = receive(socket, MESSAGE_BYTES);
    if (bytes.length === 0) return pid === undefined ? {} : { pid };
    const words = new DataView(bytes.buffer);
    if (words.getUint32(0, true) === MESSAGE.FAILED) {
      return { failure: stepError(program, words.getUint32(4, true), words.getUint32(8, true), []).message };
    }
    pid = sender;
  }
}

/** Waits for the hook, no longer than it may take; grandchildren are not waited for. */
function awaitEnd(pid: number, timeout: number | undefined): ExitStatus | "timeout" {
  if (timeout !== undefined) {
    using pidfd = pidfdOpen(pid);
    if (!waitEnded(pidfd, timeout * 1000)) {
      call("kill", pid, SIGKILL);
      reap(pid);
      return "timeout";
    }
  }
  return reap(pid) ?? { code: 0 };
}

function content(file: Fd): string {
  return Deno.readTextFileSync(`/proc/self/fd/${file.number}`).trimEnd();
}

const MESSAGE_BYTES = 4096;

interface Started {
  readonly pid: number;
  readonly program: Program;
}

interface HookFiles {
  readonly hook: Hook;
  readonly place: HookPlace | undefined;
  readonly stdin: Fd;
  readonly stdout: Fd;
  readonly stderr: Fd;
  readonly theirs: Fd;
}

/** Starts the program; the copies of the descriptors that it inherits are closed here at once. */
function startHook({ hook, place, stdin, stdout, stderr, theirs }: HookFiles): Started {
  using files = new DisposableStack();
  const inherit = (fd: Fd) => files.use(duplicate(fd.number, 3, true)).number;
  const join = place === undefined
    ? {}
    : { join: { pidfd: inherit(files.use(pidfdOpen(place.pid))), user: place.userNamespace } };
  const socket = inherit(theirs);
  const program = planHook({
    arch: Deno.build.arch,
    hook,
    env: inheritedEnvironment(),
    stdin: inherit(stdin),
    stdout: inherit(stdout),
    stderr: inherit(stderr),
    socket,
    ...join,
    ...place?.cwd === undefined ? {} : { cwd: place.cwd },
  });
  using image = sealedFile("runo-hook", program.image(socket));
  return { pid: spawn(`/proc/self/fd/${image.number}`, ["runo", "hook"], []), program };
}
