/** The processes of a container. */

import { cgroupPids } from "../cgroup/processes.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import { type Container, isInitAlive, loadContainer } from "./container.ts";
import type { HostOptions } from "./options.ts";

/**
 * The pids of all processes in the container's cgroup and below, as this process sees them; empty when it has stopped.
 * @throws {RunoError} `not-found`
 */
export function containerPids(host: Pick<HostOptions, "root">, id: string): number[] {
  return pidsOf(loadContainer(host.root, id));
}

function pidsOf({ state }: Container): number[] {
  const cgroup = recordedCgroup(state);
  // without a cgroup of its own the container has no mark but its first process
  if (Object.keys(cgroup.paths).length === 0) return isInitAlive(state) ? [state.init_process_pid] : [];
  return cgroupPids(cgroup, { recursive: true });
}
