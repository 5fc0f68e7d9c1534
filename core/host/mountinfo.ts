/** Questions about the mounts of the host. */

import { readMountinfo } from "../mountinfo.ts";

/** The mount point that a path lies below: the longest, and of those the last. */
export function enclosingMount(path: string): string {
  let best = "/";
  for (const { mountPoint } of readMountinfo()) {
    const above = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (above && mountPoint.length >= best.length) best = mountPoint;
  }
  return best;
}

/** Mount points of whole procfs and sysfs file systems, the deepest first. */
export function hostProcMounts(): string[] {
  return readMountinfo().filter(({ root, type }) => root === "/" && (type === "proc" || type === "sysfs"))
    .map(({ mountPoint }) => mountPoint).toReversed();
}
