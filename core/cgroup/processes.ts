/** The processes of a container, by its cgroup. */

import { SIGKILL } from "../../ffi/abi.ts";
import { pidfdOpen, pidfdSignal } from "../../ffi/spawn.ts";
import { errnoOf, RunoError } from "../error.ts";
import { sleep } from "../sleep.ts";
import { subtree } from "./directories.ts";
import { exists, readIfThere, writeValue } from "./files.ts";
import { freezeCgroup, isFrozen, thawCgroup } from "./freezer.ts";
import type { Cgroup } from "./paths.ts";

/** The processes in a cgroup, and with `recursive` in those below it. */
export function cgroupPids({ paths }: Cgroup, { recursive }: { recursive: boolean }): number[] {
  // all hierarchies hold the same processes; devices is the one of v1 that is always there
  const path = paths["devices"] ?? paths[""] ?? Object.values(paths)[0];
  if (path === undefined) return [];
  return (recursive ? subtree(path) : [path]).flatMap(pidsIn);
}

function pidsIn(path: string): number[] {
  try {
    return (readIfThere(`${path}/cgroup.procs`) ?? "").split("\n").filter((line) => line !== "").map(Number);
  } catch (error) {
    // a threaded cgroup: the processes are listed at the root of its domain
    if (errnoOf(error) === "ENOTSUP") return [];
    throw error;
  }
}

/**
 * Sends a signal to every process.
 * @throws {RunoError}
 */
export function signalCgroup(cgroup: Cgroup, signal: number): void {
  if (signal === SIGKILL && killAtOnce(cgroup)) return;
  const paused = isFrozen(cgroup);
  // frozen processes make no new ones that the list does not have
  const frozen = !paused && tryFreeze(cgroup);
  try {
    for (const pid of cgroupPids(cgroup, { recursive: true })) signalProcess(pid, signal);
  } finally {
    // on v1 the frozen do not even die
    if (frozen || (paused && signal === SIGKILL)) thawCgroup(cgroup);
  }
}

/** Kills every process at once, where the kernel can (v2, Linux 5.14). @returns whether it could */
function killAtOnce({ paths }: Cgroup): boolean {
  const v2 = paths[""];
  if (v2 === undefined || !exists(`${v2}/cgroup.kill`)) return false;
  writeValue(`${v2}/cgroup.kill`, "1");
  return true;
}

/** One that does not stop is signalled as it runs. */
const FREEZE_TIMEOUT_MS = 500;

/** False without a freezer, without a right to it, or when it takes too long. */
function tryFreeze(cgroup: Cgroup): boolean {
  try {
    freezeCgroup(cgroup, FREEZE_TIMEOUT_MS);
    return true;
  } catch {
    return false;
  }
}

function signalProcess(pid: number, signal: number): void {
  try {
    using pidfd = pidfdOpen(pid);
    pidfdSignal(pidfd, signal);
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw new RunoError(`signalling process ${pid}`, { cause: error });
  }
}

/** How long processes have to die of SIGKILL. */
const KILL_TIMEOUT_MS = 10_000;

/**
 * Kills every process, and waits until none is left.
 * @throws {RunoError} when some do not die
 */
export function killCgroup(cgroup: Cgroup): void {
  const deadline = performance.now() + KILL_TIMEOUT_MS;
  for (let pause = 1;; pause = Math.min(2 * pause, 50)) {
    const pids = cgroupPids(cgroup, { recursive: true });
    if (pids.length === 0) return;
    if (performance.now() >= deadline) {
      throw new RunoError(`processes ${pids.join(", ")} do not die of SIGKILL`, {
        hint: "they may wait for a disk, for NFS, or for a debugger",
      });
    }
    signalCgroup(cgroup, SIGKILL);
    sleep(pause);
  }
}
