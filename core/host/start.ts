/** `start`: lets a created container's init execute the user's program. */

import { POLLIN } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { openFifoReader } from "../../ffi/file.ts";
import { allocate } from "../../ffi/memory.ts";
import { pidfdOpen, poll } from "../../ffi/spawn.ts";
import { errnoOf, messageOf, RunoError } from "../error.ts";
import { directoriesOf, outOfMemory, recordedCgroup } from "./recorded_cgroup.ts";
import { type Container, containerStatus, EXEC_FIFO, loadContainer } from "./container.ts";
import { lockContainer } from "./container_lock.ts";
import { destroy } from "./destroy.ts";
import { containerHookState } from "./hook_state.ts";
import { NotifyProxy } from "./notify.ts";
import type { HostOptions } from "./options.ts";
import { recordedHooks, recordedNamespaces, recordedSpec } from "./state_file.ts";

/** What `start` may be told. */
export interface StartOptions {
  /** NOTIFY_SOCKET of the environment: stay until the container is ready, and tell the service manager. */
  readonly notifySocket?: string | undefined;
}

/**
 * Starts a created container.
 * @throws {RunoError} `not-found`, or `state` when it is not created any more
 */
export async function startContainer(host: HostOptions, id: string, options: StartOptions = {}): Promise<void> {
  // the directory first: without a container there is nothing to lock
  const { dir, state } = loadContainer(host.root, id);
  if (options.notifySocket === undefined) return await start(host, id, dir);
  using proxy = NotifyProxy.open(dir, options.notifySocket);
  await start(host, id, dir);
  try {
    proxy?.forward(state.init_process_pid);
  } catch (error) {
    // the container runs, whoever learns of it
    host.warn(messageOf(error));
  }
}

async function start(host: HostOptions, id: string, dir: string): Promise<void> {
  using _lock = lockContainer(dir);
  const container = loadContainer(host.root, id);
  checkCreated(container);
  try {
    await containerHooks(container);
    host.debug?.("startContainer hooks have been run");
    release(container);
    host.debug?.("init executes its program");
    await poststartHooks(container);
    host.debug?.("poststart hooks have been run");
  } catch (error) {
    if (error instanceof RunoError && error.kind === "hook") await destroy(container, host.warn);
    throw error;
  }
}

/** poststart: in the host's namespaces, the container's program runs. */
async function poststartHooks(container: Container): Promise<void> {
  const hooks = recordedHooks(container.state).poststart ?? [];
  if (hooks.length === 0) return;
  const { runHooks } = await import("./hooks.ts");
  const state = containerHookState(container, "running");
  runHooks("poststart", hooks, state, { cwd: state.bundle });
}

/** startContainer: in the container's namespaces and with its process' rights, the last before its program. */
async function containerHooks(container: Container): Promise<void> {
  const { id, state } = container;
  const hooks = recordedHooks(state).startContainer ?? [];
  if (hooks.length === 0) return;
  const { runHooks } = await import("./hooks.ts");
  runHooks("startContainer", hooks, containerHookState(container, "created", true), {
    container: {
      id,
      pid: state.init_process_pid,
      namespaces: recordedNamespaces(state),
      cgroup: directoriesOf(recordedCgroup(state).paths),
      noNewKeyring: state.config.no_new_keyring === true,
      spec: recordedSpec(state),
      confined: true,
    },
  });
}

function checkCreated(container: Container): void {
  const status = containerStatus(container);
  if (status === "created") return;
  const phrase = status === "stopped"
    ? "cannot start a container that has stopped"
    : status === "running"
    ? "cannot start an already running container"
    : `cannot start a container in the ${status} state`;
  throw new RunoError(phrase, { kind: "state" });
}

/** Opens the FIFO that init waits to write to, and never waits for an init that has died. */
function release({ dir, state }: Container): void {
  const path = `${dir}/${EXEC_FIFO}`;
  const dead = () =>
    outOfMemory(recordedCgroup(state)) ?? new RunoError("container process is already dead", { kind: "state" });
  using pidfd = openInit(state.init_process_pid, dead);
  using fifo = openFifo(path);
  for (;;) {
    const [written = 0, ended = 0] = poll([[fifo.number, POLLIN], [pidfd.number, POLLIN]], -1);
    if (written & POLLIN) break;
    if (ended !== 0) throw dead();
    // POLLHUP: init opened the FIFO and ended before it wrote
    if (written !== 0) throw dead();
  }
  const token = allocate(1);
  const length = call("read", fifo.number, token, 1);
  if (length === 0) throw new RunoError("cannot start an already running container", { kind: "state" });
  Deno.removeSync(path);
}

function openInit(pid: number, dead: () => RunoError): Fd {
  try {
    return pidfdOpen(pid);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") throw dead();
    throw new RunoError(`opening a pidfd of init ${pid}`, { cause: error });
  }
}

function openFifo(path: string): Fd {
  try {
    return openFifoReader(path);
  } catch (error) {
    throw new RunoError(`opening exec fifo "${path}"`, { cause: error });
  }
}
