/** The cgroup of a container that exists: where it is, as state.json says, and what enters it. */

import { ownDirectory, readLayout } from "../cgroup/layout.ts";
import { memoryReport, oomKills } from "../cgroup/oom.ts";
import type { Cgroup } from "../cgroup/paths.ts";
import { RunoError } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
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

/** Where a process of a container goes: its cgroup, or the one below it that its init has moved to. */
export function cgroupToJoin(state: StateFile): Cgroup {
  const cgroup = recordedCgroup(state);
  const v2 = cgroup.paths[""];
  // "no internal processes": a container that runs systemd divides its own cgroup, and stays in a part of it
  if (v2 === undefined || !hasControlledChildren(v2)) return cgroup;
  const line = readText(`/proc/${state.init_process_pid}/cgroup`).split("\n").find((text) => text.startsWith("0::"));
  const { v2: hierarchy } = readLayout();
  if (line === undefined || hierarchy === undefined) return cgroup;
  return { paths: { ...cgroup.paths, "": ownDirectory({ ...hierarchy, own: line.slice("0::".length) }) } };
}

function hasControlledChildren(path: string): boolean {
  return readText(`${path}/cgroup.subtree_control`).trim() !== "";
}

// "" for a cgroup or a process that is gone
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
