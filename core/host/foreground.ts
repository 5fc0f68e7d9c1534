/** `run`: create and start, and in the foreground stay until the container has ended. The only asynchronous part. */

import { PR_SET_CHILD_SUBREAPER } from "../../ffi/abi.ts";
import { call, callWaiting } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { allocate } from "../../ffi/memory.ts";
import { exitStatus, pidfdOpen, pidfdSignal, reap, shellCode } from "../../ffi/spawn.ts";
import { copyConsole, HostTerminal } from "./console.ts";
import { messageOf } from "../error.ts";
import { createContainer, type Created } from "./create.ts";
import { execProcess } from "./exec.ts";
import { NotifyProxy } from "./notify.ts";
import type { ExecOptions, HostOptions, RunOptions } from "./options.ts";
import { forwardSignals, onResize } from "./signals.ts";
import { startContainer } from "./start.ts";
import { deleteContainer } from "./delete.ts";

/**
 * Creates and starts a container.
 * @returns 0 when detached, else the exit code of the container (128 + signal)
 * @throws {RunoError} and nothing is left behind
 */
export async function runContainer(options: RunOptions): Promise<number> {
  if (options.detach) {
    await createContainer(options);
    await startOrDelete(options);
    return 0;
  }
  return await inForeground(options, {
    make: () => createContainer(options),
    begin: () => startContainer(options, options.id),
  });
}

/** How a foreground command gets its container. */
export interface Making {
  readonly make: () => Created | Promise<Created>;
  /** Lets it go on, once its output is looked after. */
  readonly begin: () => void | Promise<void>;
}

/**
 * Makes a container and stays with it: passes signals on, copies its terminal, removes it in the end.
 * @returns the exit code of the container
 */
export async function inForeground(options: RunOptions, { make, begin }: Making): Promise<number> {
  if (!options.noSubreaper && !options.embedded) call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  let pass: (signal: number) => void = () => {};
  using _forwarding = options.embedded ? undefined : forwardSignals((signal) => pass(signal));
  const created = await make();
  using pidfd = pidfdOpen(created.pid);
  pass = (signal) => passOn(pidfd, signal);
  try {
    const notified = notifyManager(options, created, pidfd);
    const code = await attended(options, created, begin);
    await notified;
    return code;
  } finally {
    if (!options.keep) await deleteContainer(options, options.id, { force: true });
  }
}

/** Tells a service manager when the container is ready. This process is its main one, for it lasts as long. */
async function notifyManager(options: RunOptions, { dir }: Created, init: Fd): Promise<void> {
  try {
    using proxy = NotifyProxy.open(dir, options.notifySocket);
    await proxy?.forwardMeanwhile(init, Deno.pid);
  } catch (error) {
    options.warn(messageOf(error));
  }
}

async function attended(host: HostOptions, { pid, master }: Created, begin: Making["begin"]): Promise<number> {
  if (master === undefined) {
    await begin();
    return await waitForInit(host, pid);
  }
  return await withTerminal(host, { pid, master }, begin);
}

/** Copies the terminal of a process until that has ended. @param begin lets it go on */
async function withTerminal(
  host: HostOptions,
  { pid, master }: { readonly pid: number; readonly master: Fd },
  begin: Making["begin"],
): Promise<number> {
  using inside = master;
  using outside = new HostTerminal();
  outside.resize(inside);
  using _resizing = host.embedded ? undefined : onResize(() => outside.resize(inside));
  await begin();
  using pidfd = pidfdOpen(pid);
  await copyConsole(inside, pidfd);
  return await waitForInit(host, pid);
}

/** Waits for init; a subreaper inherits the orphans of a container without a pid namespace, and reaps them meanwhile. */
async function waitForInit({ embedded }: HostOptions, pid: number): Promise<number> {
  const status = allocate(4);
  for (;;) {
    const ended = await callWaiting("wait4", embedded ? pid : -1, status, 0, 0);
    if (ended === pid) return shellCode(exitStatus(new DataView(status.buffer).getInt32(0, true)));
    if (ended < 0) return reapedElsewhere(pid);
  }
}

/** EINTR leaves the child to be waited for again; anything else cannot be, for nobody else reaps it. */
function reapedElsewhere(pid: number): number {
  const status = reap(pid);
  return status === undefined ? 1 : shellCode(status);
}

/**
 * Executes a process in a container.
 * @returns 0 when detached, else the exit code of the process (128 + signal)
 */
export async function runProcess(options: ExecOptions): Promise<number> {
  if (options.detach) {
    await execProcess(options);
    return 0;
  }
  let pass: (signal: number) => void = () => {};
  using _forwarding = options.embedded ? undefined : forwardSignals((signal) => pass(signal));
  const { pid, master } = await execProcess(options);
  using pidfd = pidfdOpen(pid);
  pass = (signal) => passOn(pidfd, signal);
  if (master === undefined) return await waitForInit(options, pid);
  return await withTerminal(options, { pid, master }, () => {});
}

function passOn(pidfd: Fd, signal: number): void {
  try {
    pidfdSignal(pidfd, signal);
  } catch {
    // it has ended: the signal came too late for anyone
  }
}

async function startOrDelete(options: RunOptions): Promise<void> {
  try {
    await startContainer(options, options.id, { notifySocket: options.notifySocket });
  } catch (error) {
    await deleteContainer(options, options.id, { force: true });
    throw error;
  }
}
