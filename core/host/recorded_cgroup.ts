/** The cgroup of a container that exists: where it is, as state.json says, and what enters it. */

import { exists } from "../cgroup/files.ts";
import { ownDirectories, readLayout } from "../cgroup/layout.ts";
import { memoryReport, oomKills } from "../cgroup/oom.ts";
import type { Cgroup } from "../cgroup/paths.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import { isInitAlive } from "./container.ts";
import type { StateFile } from "./state_file.ts";

/** The cgroup of a container that exists. */
export function recordedCgroup(state: StateFile): Cgroup {
  return { paths: state.cgroup_paths ?? {} };
}

/** The error for a container whose init the kernel has killed for want of memory; undefined when it has killed nothing. */
export function outOfMemory(cgroup: Cgroup): RunoError | undefined {
  if (oomKills(cgroup) === 0) return undefined;
  // the words are runc's
  return new RunoError("container init was OOM-killed (memory limit too low?)", { hint: memoryReport(cgroup) });
}

/** The directories to enter; controllers that are mounted together share one. */
export function directoriesOf(paths: Readonly<Record<string, string>>): CgroupDirectories {
  const { "": v2, ...v1 } = paths;
  return { v1: [...new Set(Object.values(v1))], v2 };
}

/**
 * A cgroup below the container's, as `exec --cgroup` names it: by controller, "" for all of them.
 * @throws {RunoError} `invalid` for a controller that the container has not, or a path out of its cgroup
 */
export function subCgroup(cgroup: Cgroup, names: Readonly<Record<string, string>>): Cgroup {
  const paths = { ...cgroup.paths };
  const all = names[""];
  const wanted = all === undefined ? names : Object.fromEntries(Object.keys(paths).map((key) => [key, all]));
  for (const [controller, name] of Object.entries(wanted)) {
    const path = paths[controller];
    // the words are runc's
    if (path === undefined) {
      throw new RunoError(`unknown controller ${controller} in SubCgroupPaths`, { kind: "invalid" });
    }
    if (name.split("/").includes("..")) throw new RunoError(`bad sub cgroup path: ${name}`, { kind: "invalid" });
    paths[controller] = `${path}/${name}`.replaceAll(/\/+(\.?\/)*/g, "/").replace(/\/\.?$/, "");
  }
  return { paths };
}

/** Where a process of a container goes: its cgroup; where that does not take it, the one that its init is in now. */
export function cgroupToJoin(state: StateFile): Cgroup {
  const cgroup = recordedCgroup(state);
  const left = Object.entries(cgroup.paths).filter(([controller, path]) =>
    // "no internal processes": a container that runs systemd divides its own cgroup, and stays in a part of it
    !exists(path) || (controller === "" && hasControlledChildren(path))
  );
  if (left.length === 0) return cgroup;
  const now = directoriesOfInit(state);
  return { paths: { ...cgroup.paths, ...Object.fromEntries(left.map(([name, path]) => [name, now[name] ?? path])) } };
}

/** By controller; none for an init that is gone. */
function directoriesOfInit(state: StateFile): Readonly<Record<string, string>> {
  try {
    const paths = ownDirectories(readLayout(state.init_process_pid));
    // of what has ended the kernel says that it is in the root of v1, where nothing is limited
    return isInitAlive(state) ? paths : {};
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(errnoOf(error) ?? "")) return {};
    throw error;
  }
}

function hasControlledChildren(path: string): boolean {
  return readText(`${path}/cgroup.subtree_control`).trim() !== "";
}

// "" for a cgroup that is gone
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
