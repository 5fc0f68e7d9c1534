/** `delete`: a container and all that it has are removed. */

import { RunoError } from "../error.ts";
import { type Container, containerStatus, leftoverDir, loadContainer, removeStateDir } from "./container.ts";
import { lockContainer } from "./container_lock.ts";
import { destroy } from "./destroy.ts";
import { killInit } from "./init_process.ts";
import type { HostOptions } from "./options.ts";

/**
 * Removes a container, its processes first if `force` allows it.
 * @throws {RunoError} `not-found`; `state` when it runs and force is not given
 */
export async function deleteContainer(
  host: HostOptions,
  id: string,
  options: { readonly force: boolean },
): Promise<void> {
  const container = load(host.root, id, options.force);
  if (container === undefined) return;
  const status = containerStatus(container);
  if (status === "running" || status === "paused" || status === "creating") {
    if (!options.force) {
      throw new RunoError(`cannot delete container ${id} that is not stopped: ${status}`, { kind: "state" });
    }
  }
  // init first: who waits for it under the lock (start) learns of it
  killInit(container.state);
  host.debug?.("init has ended");
  using lock = lockToDelete(container.dir, options.force);
  // anew: a `create` may have got to its end in the meantime
  if (lock !== undefined) await destroy(loadContainer(host.root, id), host.warn);
  host.debug?.("container removed");
}

/** The lock; undefined when another `delete` was quicker, which is what force wants. */
function lockToDelete(dir: string, force: boolean): Disposable | undefined {
  try {
    return lockContainer(dir);
  } catch (error) {
    if (force && error instanceof RunoError && error.kind === "not-found") return undefined;
    throw error;
  }
}

/** With force, what is left of a container that never was whole is removed and nothing is there to be deleted. */
function load(root: string, id: string, force: boolean): Container | undefined {
  try {
    return loadContainer(root, id);
  } catch (error) {
    const unknown = error instanceof RunoError && (error.kind === "not-found" || error.kind === "invalid");
    if (!force || !unknown) throw error;
    const left = leftoverDir(root, id);
    if (left !== undefined) removeStateDir(left);
    return undefined;
  }
}
