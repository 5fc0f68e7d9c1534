/** `kill` and `delete`. */

import { SIGKILL } from "../../ffi/abi.ts";
import { pidfdSignal } from "../../ffi/spawn.ts";
import { thawCgroup } from "../cgroup/freezer.ts";
import { signalCgroup } from "../cgroup/processes.ts";
import { errnoOf, RunoError } from "../error.ts";
import { recordedCgroup } from "./cgroups.ts";
import {
  type Container,
  containerStatus,
  isInitAlive,
  isPaused,
  leftoverDir,
  loadContainer,
  removeStateDir,
} from "./container.ts";
import { lockContainer } from "./container_lock.ts";
import { destroy, killInit, openInit } from "./destroy.ts";
import type { HostOptions } from "./options.ts";
import type { StateFile } from "./state_file.ts";

/**
 * Sends a signal to init, or to every process of the container.
 * @throws {RunoError} `not-found`; `state` "container not running" when it has stopped (but not with `all`)
 */
export function killContainer(host: HostOptions, id: string, signal: number, options: { all: boolean }): void {
  const container = loadContainer(host.root, id);
  if (options.all) {
    signalAll(container, signal);
    return;
  }
  if (containerStatus(container) === "stopped") throw notRunning();
  if (signal === SIGKILL && !hasOwnPidNamespace(container.state)) signalAll(container, signal);
  else signalInit(container.state, signal);
}

// containerd, docker and cri-o look for this sentence
function notRunning(): RunoError {
  return new RunoError("container not running", { kind: "state" });
}

function signalInit(state: StateFile, signal: number): void {
  using pidfd = openInit(state);
  if (pidfd === undefined) throw notRunning();
  try {
    pidfdSignal(pidfd, signal);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") throw notRunning();
    throw new RunoError(`unable to signal init ${state.init_process_pid} with ${signal}`, {
      cause: error,
      hint: lsmHint(error, state.init_process_pid),
    });
  }
  // a frozen process dies of SIGKILL on cgroup v2 only
  if (signal === SIGKILL && isPaused(state)) thawCgroup(recordedCgroup(state));
}

function lsmHint(error: unknown, pid: number): string | undefined {
  if (errnoOf(error) !== "EACCES") return undefined;
  const label = (of: string) => {
    try {
      return Deno.readTextFileSync(`/proc/${of}/attr/current`).trim();
    } catch {
      return "unknown";
    }
  };
  return `a security module stands between "${label("self")}" and "${label(String(pid))}"`;
}

function hasOwnPidNamespace({ config }: StateFile): boolean {
  return config.namespaces?.some(({ type, path }) => type === "NEWPID" && path === "") ?? false;
}

/** Signals every process in the container's cgroup; without one, init alone can be found. */
function signalAll({ state }: Container, signal: number): void {
  const cgroup = recordedCgroup(state);
  if (Object.keys(cgroup.paths).length > 0) signalCgroup(cgroup, signal);
  else if (isInitAlive(state)) signalInit(state, signal);
}

/**
 * Removes a container, its processes first if `force` allows it.
 * @throws {RunoError} `not-found`; `state` when it runs and force is not given
 */
export function deleteContainer(host: HostOptions, id: string, options: { force: boolean }): void {
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
  if (lock !== undefined) destroy(loadContainer(host.root, id), host.warn);
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
