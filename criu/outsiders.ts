/** Processes that CRIU does not see: it follows the children of init, and what `exec` starts has its parent outside. */

import { cgroupPids } from "../core/cgroup/processes.ts";
import { recordedCgroup } from "../core/host/recorded_cgroup.ts";
import type { Container } from "../core/host/container.ts";
import { processStat } from "../core/host/procfs.ts";

/** The processes in the container's cgroup that are no descendants of its init. */
export function outsiders(container: Container): number[] {
  const found = withoutAncestry(container);
  // processes come and go, and get other parents, while they are looked at: only who is seen twice is one
  return found.length === 0 ? [] : withoutAncestry(container).filter((pid) => found.includes(pid));
}

function withoutAncestry({ state }: Container): number[] {
  const family = new Set([state.init_process_pid]);
  const pids = cgroupPids(recordedCgroup(state), { recursive: true });
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const stat = processStat(pid);
    if (stat !== undefined) parents.set(pid, stat.ppid);
  }
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) {
      if (family.has(pid) || !family.has(parent)) continue;
      family.add(pid);
      grown = true;
    }
  }
  return [...parents.keys()].filter((pid) => !family.has(pid));
}
