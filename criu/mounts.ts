/** Mounts that come from outside of the container: CRIU is told their places on dump, and what goes there on restore. */

import { parseMountinfo } from "../core/mountinfo.ts";
import type { RuncConfig } from "../core/host/runc_config.ts";
import type { HostFacts } from "../core/plan/inputs.ts";
import { errnoOf } from "../core/error.ts";
import type { Mount } from "../core/spec/types.ts";

/** CRIU's ExtMountMap: on dump the mount point and a name, on restore the name and a path of the host. */
export interface ExternalMount {
  readonly key: string;
  readonly val: string;
}

/** What all files that a mask covers are called in the images, and what covers them. */
const NULL_DEVICE = "/dev/null";

/** What a dump leaves to the restore: bind mounts, those that runo has added included, cgroups without a namespace, masked files, devices. */
export function dumpedMounts(config: RuncConfig, pid: number, added: readonly Mount[] = []): ExternalMount[] {
  const inside = (path: string) => ({ key: path, val: path });
  return [
    ...added.map(({ destination }) => inside(resolveInRoot(config.rootfs, destination))),
    ...binds(config).map(({ destination }) => inside(resolveInRoot(config.rootfs, destination))),
    ...hasCgroupNamespace(config) ? [] : cgroupMounts(config, pid).map(inside),
    ...(config.mask_paths ?? []).filter((path) => isFile(`/proc/${pid}/root/${path}`)).map((path) => ({
      key: path,
      val: NULL_DEVICE,
    })),
    ...(config.devices ?? []).map(({ path }) => inside(resolveInRoot(config.rootfs, path))),
  ];
}

/** The same on the way back. */
export function restoredMounts(
  config: RuncConfig,
  cgroups: HostFacts["cgroups"],
  added: readonly Mount[] = [],
): ExternalMount[] {
  return [
    ...added.map(({ destination, source = "" }) => ({ key: resolveInRoot(config.rootfs, destination), val: source })),
    ...binds(config).map(({ destination, source }) => ({
      key: resolveInRoot(config.rootfs, destination),
      val: source,
    })),
    ...cgroups === undefined || cgroups.version === 2 || hasCgroupNamespace(config)
      ? []
      : cgroupSources(config, cgroups),
    ...(config.mask_paths ?? []).length === 0 ? [] : [{ key: NULL_DEVICE, val: NULL_DEVICE }],
    ...(config.devices ?? []).map(({ path }) => ({ key: resolveInRoot(config.rootfs, path), val: path })),
  ];
}

function binds({ mounts }: RuncConfig) {
  return (mounts ?? []).filter(({ device }) => device === "bind");
}

function hasCgroupNamespace({ namespaces }: RuncConfig): boolean {
  return namespaces?.some(({ type }) => type === "NEWCGROUP") ?? false;
}

function cgroupDestinations({ mounts, rootfs }: RuncConfig): string[] {
  return (mounts ?? []).filter(({ device }) => device === "cgroup").map(({ destination }) =>
    resolveInRoot(rootfs, destination)
  );
}

/** The hierarchies of cgroup v1 as the container has them: each a bind mount of its own cgroup. */
function cgroupMounts(config: RuncConfig, pid: number): string[] {
  const places = cgroupDestinations(config);
  if (places.length === 0) return [];
  return parseMountinfo(Deno.readTextFileSync(`/proc/${pid}/mountinfo`))
    .filter(({ type, mountPoint }) =>
      type.startsWith("cgroup") && places.some((place) => mountPoint.startsWith(`${place}/`))
    )
    .map(({ mountPoint }) => mountPoint);
}

function cgroupSources(config: RuncConfig, { mounts }: NonNullable<HostFacts["cgroups"]>): ExternalMount[] {
  return cgroupDestinations(config).flatMap((place) =>
    mounts.map(({ name, directory }) => ({ key: `${place}/${name}`, val: directory }))
  );
}

function isFile(path: string): boolean {
  try {
    return !Deno.statSync(path).isDirectory;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

const MAX_LINKS = 255;

/**
 * The path that a mount point has in the container once the symlinks of the root file system are followed, none of them
 * out of it. A name for CRIU, not a path to open: what is missing stays as it is.
 */
export function resolveInRoot(rootfs: string, path: string): string {
  const rest = path.split("/").toReversed(), resolved: string[] = [];
  for (let links = 0; rest.length > 0;) {
    const part = rest.pop()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved.pop();
      continue;
    }
    const target = links < MAX_LINKS ? linkTarget(`${rootfs}/${[...resolved, part].join("/")}`) : undefined;
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    links++;
    if (target.startsWith("/")) resolved.length = 0;
    rest.push(...target.split("/").toReversed());
  }
  return `/${resolved.join("/")}`;
}

function linkTarget(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}
