/** The cgroup of a container as a whole: its directories in all hierarchies, and the processes in them. */

import { errnoOf, RunoError } from "../error.ts";
import { makeDirectories, removeDirectories, subtree } from "./directories.ts";
import { exists, readIfThere, readValue, writeValue } from "./files.ts";

export { cgroupPaths, type Hierarchy, type Layout, readLayout } from "./layout.ts";

/** Directories by controller, as state.json records them: "" is v2, "name=systemd" the named hierarchy. */
export interface Cgroup {
  readonly paths: Readonly<Record<string, string>>;
}

/** How to make one. */
export interface CreateCgroupOptions {
  /** Whether it is no error that the caller may not make it. */
  readonly rootless: boolean;
}

/**
 * Makes the directories.
 * @throws {RunoError} and none is left behind; `state` when the cgroup has processes or is frozen
 */
export function createCgroup(cgroup: Cgroup, options: CreateCgroupOptions): void {
  checkUnused(cgroup);
  const made: string[] = [];
  try {
    for (const [controller, path] of Object.entries(cgroup.paths)) makeCgroup(controller, path, options, made);
  } catch (error) {
    for (const path of made.toReversed()) removeDirectories(path);
    throw error;
  }
}

function makeCgroup(controller: string, path: string, { rootless }: CreateCgroupOptions, made: string[]): void {
  try {
    makeDirectories(path, (directory) => {
      made.push(directory);
      if (controller === "cpuset") inheritCpuset(directory);
    });
  } catch (error) {
    if (!rootless || !["EACCES", "EPERM", "EROFS"].includes(errnoOf(error) ?? "")) throw error;
  }
}

/** A cpuset of v1 takes no process before it has CPUs and memory nodes: cpusets(7). */
function inheritCpuset(directory: string): void {
  const parent = directory.slice(0, directory.lastIndexOf("/"));
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readValue(`${directory}/${file}`) === "") writeValue(`${directory}/${file}`, readValue(`${parent}/${file}`));
  }
}

/** Somebody else's processes must not get the container's limits, and a frozen cgroup would hold init for ever. */
function checkUnused(cgroup: Cgroup): void {
  const pids = cgroupPids(cgroup, { recursive: true });
  if (pids.length > 0) {
    throw new RunoError(`container's cgroup is not empty: ${pids.length} process(es) found`, { kind: "state" });
  }
  if (isFrozen(cgroup)) throw new RunoError("container's cgroup unexpectedly frozen", { kind: "state" });
}

function isFrozen({ paths }: Cgroup): boolean {
  const { freezer, "": v2 } = paths;
  if (freezer !== undefined && (readIfThere(`${freezer}/freezer.state`) ?? "THAWED") !== "THAWED") return true;
  return v2 !== undefined && readIfThere(`${v2}/cgroup.freeze`) === "1";
}

/** Removes the directories and all below them, once their processes are gone. */
export function removeCgroup({ paths }: Cgroup): void {
  for (const path of new Set(Object.values(paths))) removeDirectories(path);
}

/** The processes in a cgroup. */
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

/** Lets frozen processes go on; no cgroup any more is fine. */
export function thawCgroup({ paths }: Cgroup): void {
  const { freezer, "": v2 } = paths;
  const thaw = (path: string, value: string) => {
    if (exists(path)) writeValue(path, value);
  };
  if (freezer !== undefined) thaw(`${freezer}/freezer.state`, "THAWED");
  if (v2 !== undefined) thaw(`${v2}/cgroup.freeze`, "0");
}
