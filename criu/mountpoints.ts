/** Whether the root file system has all mount points: then a restore need not look for them again in a program of its own. */

import { isCovered } from "../core/plan/criu.ts";
import { isBind, parseOptions } from "../core/plan/mount_options.ts";
import { inRoot } from "../core/plan/paths.ts";
import { absoluteSource } from "../core/plan/sources.ts";
import type { Mount, Spec } from "../core/spec/types.ts";
import { resolveInRoot } from "./mounts.ts";

/** Where the container's files are. */
export interface Files {
  readonly rootfs: string;
  readonly bundle: string;
}

/** True when each is there, and no symlink makes it doubtful which place it is. */
export function hasMountpoints({ mounts = [] }: Spec, files: Files): boolean {
  return mounts.every((mount, i) => {
    const earlier = mounts.slice(0, i);
    if (isCovered(mount, earlier) || parseOptions(mount.options ?? []).remount) return true;
    const place = placeOf(mount, earlier, files);
    return place !== undefined && exists(place);
  });
}

/** The path on the host: in the root file system, or in what is bound above it. */
function placeOf(mount: Mount, earlier: readonly Mount[], { rootfs, bundle }: Files): string | undefined {
  const at = inRoot(mount.destination);
  const above = earlier.findLast((other) => isBind(other) && at.startsWith(`${inRoot(other.destination)}/`));
  const root = above === undefined ? rootfs : absoluteSource(above.source ?? "", bundle);
  const path = above === undefined ? at : at.slice(inRoot(above.destination).length + 1);
  return resolveInRoot(root, path) === `/${path}` ? `${root}/${path}` : undefined;
}

/** True also for a link that leads nowhere. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
