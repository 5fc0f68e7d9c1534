/** `run`: create and start, and in the foreground stay until the container has ended. */

import { PR_SET_CHILD_SUBREAPER } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { pidfdOpen } from "../../ffi/spawn.ts";
import { messageOf } from "../error.ts";
import { attend, SignalRelay } from "./attend.ts";
import { createContainer, type Created } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { NotifyProxy } from "./notify.ts";
import type { RunOptions } from "./options.ts";
import { startContainer } from "./start.ts";

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
  using relay = new SignalRelay(options);
  const created = await make();
  using pidfd = pidfdOpen(created.pid);
  relay.passTo(pidfd);
  try {
    const notified = notifyManager(options, created, pidfd);
    const code = await attend(options, created, begin);
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

async function startOrDelete(options: RunOptions): Promise<void> {
  try {
    await startContainer(options, options.id, { notifySocket: options.notifySocket });
  } catch (error) {
    await deleteContainer(options, options.id, { force: true });
    throw error;
  }
}
