/** Where the cgroup of a container is, as state.json says. */

import type { Cgroup } from "../cgroup/paths.ts";
import type { StateFile } from "./state_file.ts";

/** The cgroup of a container that exists. */
export function recordedCgroup(state: StateFile): Cgroup {
  return { paths: state.cgroup_paths ?? {} };
}
