/** The container's cgroup, between the config and core/cgroup: where it is, what goes into it, what the container sees of it. */

import { type Cgroup, cgroupPaths, createCgroup, readLayout, removeCgroup } from "../cgroup/manager.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import type { HostFacts } from "../plan/inputs.ts";
import type { Spec } from "../spec/types.ts";
import type { CreateOptions } from "./options.ts";
import type { StateFile } from "./state_file.ts";

/** The cgroup of a container that is being created. */
export interface CgroupPlan {
  /** Directories by controller, for state.json. */
  readonly paths: Readonly<Record<string, string>>;
  /** For a mount of type cgroup. */
  readonly mounts: HostFacts["cgroups"];
  /** What init enters. */
  readonly directories: CgroupDirectories;
  /** Makes it and sets its limits. */
  create(): void;
  remove(): void;
}

export function planCgroup(spec: Spec, options: CreateOptions, rootless: boolean): CgroupPlan {
  if (options.cgroupManager === "disabled") {
    return { paths: {}, mounts: undefined, directories: NONE, create: () => {}, remove: () => {} };
  }
  const layout = readLayout();
  const cgroupsPath = spec.linux?.cgroupsPath;
  const paths = cgroupPaths(layout, { id: options.id, ...cgroupsPath === undefined ? {} : { cgroupsPath } });
  const cgroup: Cgroup = { paths };
  return {
    paths,
    mounts: undefined,
    directories: directoriesOf(paths),
    create: () => createCgroup(cgroup, { rootless }),
    remove: () => removeCgroup(cgroup),
  };
}

const NONE: CgroupDirectories = { v1: [], v2: undefined };

/** The directories to enter; controllers that are mounted together share one. */
export function directoriesOf(paths: Readonly<Record<string, string>>): CgroupDirectories {
  const { "": v2, ...v1 } = paths;
  return { v1: [...new Set(Object.values(v1))], v2 };
}

/** The cgroup of a container that exists. */
export function recordedCgroup(state: StateFile): Cgroup {
  return { paths: state.cgroup_paths ?? {} };
}

/** A cgroup below the container's, as `exec --cgroup` names it: by controller, "" for all of them. */
export function subCgroup(cgroup: Cgroup, names: Readonly<Record<string, string>> | undefined): Cgroup {
  if (names === undefined) return cgroup;
  const below = (key: string) => names[key] ?? names[""];
  const entries = Object.entries(cgroup.paths).map(([key, path]) => {
    const name = below(key);
    return [key, name === undefined ? path : `${path}/${name}`] as const;
  });
  return { ...cgroup, paths: Object.fromEntries(entries) };
}
