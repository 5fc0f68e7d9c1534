/** `kill`: a signal for a container. */

import { SIGKILL } from "../../ffi/abi.ts";
import { pidfdSignal } from "../../ffi/spawn.ts";
import { thawCgroup } from "../cgroup/freezer.ts";
import { cgroupPids, signalCgroup } from "../cgroup/processes.ts";
import { errnoOf, RunoError } from "../error.ts";
import { type Container, containerStatus, isInitAlive, isPaused, loadContainer } from "./container.ts";
import { openInit } from "./init_process.ts";
import type { HostOptions } from "./options.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
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
  const everyone = signal === SIGKILL && !hasOwnPidNamespace(container.state);
  if (containerStatus(container) === "stopped" && !(everyone && outlived(container))) throw notRunning();
  if (everyone) signalAll(container, signal);
  else signalInit(container.state, signal);
}

/** Whether there are processes still: in a shared pid namespace the end of init is not theirs. */
function outlived({ state }: Container): boolean {
  return cgroupPids(recordedCgroup(state), { recursive: true }).length > 0;
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
