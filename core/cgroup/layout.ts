/** Which cgroup hierarchies there are, and where in them a container's cgroup is. cgroups(7), runc's rules. */

import { RunoError } from "../error.ts";
import { type MountEntry, parseMountinfo } from "../mountinfo.ts";
import { cleanPath, joinPath } from "./paths.ts";

/** One mounted hierarchy. */
export interface Hierarchy {
  /** Controllers of v1, "name=systemd" for a named hierarchy; empty for v2. */
  readonly controllers: readonly string[];
  readonly mountPoint: string;
  /** The cgroup that the mount point shows: "/" but in a container. */
  readonly root: string;
  readonly readOnly: boolean;
  /** The cgroup that the process is in. */
  readonly own: string;
}

/** What the host has. */
export interface Layout {
  /** `hybrid` is v1 with v2 beside it for the processes alone. */
  readonly kind: "v1" | "hybrid" | "v2";
  readonly v1: readonly Hierarchy[];
  readonly v2: Hierarchy | undefined;
}

/** Where cgroups are mounted, by convention of everyone. */
const ROOT = "/sys/fs/cgroup";

/** The controllers of v1 that a container joins, in runc's order. */
const CONTROLLERS = [
  "cpuset",
  "devices",
  "memory",
  "cpu",
  "cpuacct",
  "pids",
  "blkio",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
  "freezer",
  "rdma",
  "misc",
  "name=systemd",
] as const;

/** Looks at the host. @param pid the process whose own cgroups are meant */
export function readLayout(pid: number | "self" = "self"): Layout {
  return parseLayout(Deno.readTextFileSync("/proc/self/mountinfo"), Deno.readTextFileSync(`/proc/${pid}/cgroup`));
}

/** The layout that /proc/self/mountinfo and /proc/self/cgroup tell of. */
export function parseLayout(mountinfo: string, ownCgroups: string): Layout {
  const mounts = parseMountinfo(mountinfo.split("\n").filter(concernsCgroups).join("\n"));
  const own = parseOwn(ownCgroups);
  // of mounts on the same place the last is the one that is seen
  const top = mounts.findLast(({ mountPoint }) => mountPoint === ROOT);
  if (top?.type === "cgroup2") return { kind: "v2", v1: [], v2: hierarchy(top, [], own.get("")) };
  const v1 = version1(mounts, own);
  const unified = preferred(mounts.filter(({ type }) => type === "cgroup2"));
  if (unified === undefined) return { kind: "v1", v1, v2: undefined };
  return { kind: v1.length === 0 ? "v2" : "hybrid", v1, v2: hierarchy(unified, [], own.get("")) };
}

/** Of thousands of mounts only these are looked at. */
function concernsCgroups(line: string): boolean {
  return line.includes(" - cgroup") || line.includes(` ${ROOT} `);
}

/** The hierarchies in the order of their mounts, each once. */
function version1(mounts: readonly MountEntry[], own: ReadonlyMap<string, string>): Hierarchy[] {
  const byControllers = new Map<string, MountEntry[]>();
  for (const mount of mounts) {
    if (mount.type !== "cgroup") continue;
    const key = controllersOf(mount).join();
    byControllers.set(key, [...byControllers.get(key) ?? [], mount]);
  }
  return [...byControllers.values()].map((found) => {
    const mount = preferred(found)!;
    const controllers = controllersOf(mount);
    return hierarchy(mount, controllers, own.get(controllers[0] ?? ""));
  });
}

/** A hierarchy may be mounted more than once: the place by convention first. */
function preferred(mounts: readonly MountEntry[]): MountEntry | undefined {
  return mounts.find(({ mountPoint }) => mountPoint.startsWith(`${ROOT}/`)) ?? mounts[0];
}

/** Controllers are among the options of the file system; what else stands there is no controller. */
function controllersOf({ options }: MountEntry): string[] {
  const others = new Set(["rw", "ro", "noprefix", "clone_children", "xattr", "favordynmods", "cpuset_v2_mode"]);
  return options.filter((option) => !others.has(option) && !option.startsWith("release_agent=") && option !== "");
}

function hierarchy(mount: MountEntry, controllers: readonly string[], own = "/"): Hierarchy {
  const { mountPoint, root, readOnly } = mount;
  return { controllers, mountPoint, root, readOnly, own };
}

/** Cgroups by controller, "" for v2. Lines are "ID:controllers:path", and a path may hold colons. */
function parseOwn(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split("\n")) {
    const first = line.indexOf(":"), second = line.indexOf(":", first + 1);
    if (second < 0) continue;
    for (const controller of line.slice(first + 1, second).split(",")) own.set(controller, line.slice(second + 1));
  }
  return own;
}

/** What a container asks for. */
export interface CgroupWanted {
  readonly id: string;
  /** `linux.cgroupsPath`: absolute, or relative to this process' own cgroup. */
  readonly cgroupsPath?: string;
}

/**
 * The directories of a container's cgroup by controller: "" is v2, "name=systemd" the named hierarchy.
 * @throws {RunoError} `unsupported` when devices cannot be controlled
 */
export function cgroupPaths(layout: Layout, { id, cgroupsPath = "" }: CgroupWanted): Record<string, string> {
  const inner = cleanPath(cgroupsPath === "" ? id : cgroupsPath);
  if (layout.kind === "v2") return { "": pathOfV2(layout.v2!, inner) };
  const paths: Record<string, string> = {};
  for (const controller of CONTROLLERS) {
    const found = layout.v1.find(({ controllers }) => controllers.includes(controller));
    if (found !== undefined) paths[controller] = pathIn(found, inner, found.own);
  }
  if (paths["devices"] === undefined) {
    throw new RunoError("cgroup devices not mounted", {
      kind: "unsupported",
      hint: "a container whose devices are not controlled could read the host's disks",
    });
  }
  if (layout.v2 !== undefined) paths[""] = pathIn(layout.v2, inner, layout.v2.own);
  return paths;
}

/** A cgroup with processes can have no children with controllers: so beside this process' cgroup, not below it. */
function pathOfV2(hierarchy: Hierarchy, inner: string): string {
  return pathIn(hierarchy, inner, hierarchy.own.slice(0, hierarchy.own.lastIndexOf("/")));
}

/** The directory of the cgroup that the process is in. */
export function ownDirectory(hierarchy: Hierarchy): string {
  return pathIn(hierarchy, "", hierarchy.own);
}

/** The directories of all cgroups that the process is in, by controller: "" is v2. */
export function ownDirectories({ v1, v2 }: Layout): Record<string, string> {
  const paths = v1.flatMap((found) => found.controllers.map((name) => [name, ownDirectory(found)] as const));
  return { ...Object.fromEntries(paths), ...v2 === undefined ? {} : { "": ownDirectory(v2) } };
}

function pathIn({ mountPoint, root }: Hierarchy, inner: string, parent: string): string {
  if (inner.startsWith("/")) return joinPath(mountPoint, inner);
  // in a container without a cgroup namespace /proc/self/cgroup tells of the host's cgroups, and the mount shows a part
  const below = root !== "/" && (parent === root || parent.startsWith(`${root}/`)) ? parent.slice(root.length) : parent;
  return joinPath(mountPoint, below, inner);
}
