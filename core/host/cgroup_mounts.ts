/** What a mount of type cgroup shows: a fact about the host that plans need. */

import { normalize } from "@std/path/posix";
import { type Hierarchy, type Layout, ownDirectory } from "../cgroup/layout.ts";
import { type CgroupMount, hasNamespace, type HostFacts } from "../plan/inputs.ts";
import { parseOptions } from "../plan/mount_options.ts";
import { MOUNT_ATTR_RDONLY } from "../../ffi/abi.ts";
import type { Mount, Spec } from "../spec/types.ts";

/**
 * The hierarchies and the container's directory in each; undefined without such a mount.
 * @param paths directories by controller; what is missing there is where the creator is
 */
export function cgroupMounts(
  { kind, v1, v2 }: Layout,
  paths: Readonly<Record<string, string>>,
  spec: Spec,
): HostFacts["cgroups"] {
  if (!(spec.mounts ?? []).some(isCgroupMount)) return undefined;
  if (kind !== "v2") return { version: 1, mounts: v1.map((hierarchy) => mountOf(hierarchy, paths)) };
  // without a cgroup namespace the paths in /proc/PID/cgroup are the host's: then the whole is shown
  const directory = hasNamespace(spec, "cgroup") ? paths[""] ?? ownDirectory(v2!) : v2!.mountPoint;
  return { version: 2, mounts: [{ name: "", data: "", directory, links: [] }] };
}

function isCgroupMount({ type }: Mount): boolean {
  return type === "cgroup" || type === "cgroup2";
}

function mountOf(hierarchy: Hierarchy, paths: Readonly<Record<string, string>>): CgroupMount {
  const { controllers, mountPoint } = hierarchy;
  const name = mountPoint.slice(mountPoint.lastIndexOf("/") + 1);
  const joined = controllers.find((controller) => paths[controller] !== undefined);
  return {
    name,
    data: controllers.join(","),
    directory: joined === undefined ? ownDirectory(hierarchy) : paths[joined]!,
    links: controllers.length === 1 ? [] : controllers.filter((controller) => controller !== name),
  };
}

/** Whether the container may write to what it sees of its cgroup: runtime-spec config-linux.md, "Cgroup ownership". */
export function hasWritableCgroupMount({ mounts = [] }: Spec): boolean {
  return mounts.some(({ source, destination, options = [] }) =>
    source === "cgroup" && normalize(destination) === "/sys/fs/cgroup" &&
    (parseOptions(options).attributes & MOUNT_ATTR_RDONLY) === 0
  );
}
