/** The processes of a container, by its cgroup. */

import { errnoOf } from "../error.ts";
import { subtree } from "./directories.ts";
import { exists, readIfThere, writeValue } from "./files.ts";
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

/** Kills every process at once, where the kernel can (v2, Linux 5.14). @returns whether it could */
export function killCgroup({ paths }: Cgroup): boolean {
  const v2 = paths[""];
  if (v2 === undefined || !exists(`${v2}/cgroup.kill`)) return false;
  writeValue(`${v2}/cgroup.kill`, "1");
  return true;
}
