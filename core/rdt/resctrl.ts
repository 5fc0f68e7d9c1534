/** What this machine's Intel RDT can do. Kernel: arch/x86/resctrl.rst */

import { type MountEntry, readMountinfo } from "../mountinfo.ts";

/** The resctrl file system. */
export interface Resctrl {
  readonly root: string;
  /** Cache allocation. */
  readonly cat: boolean;
  /** Memory bandwidth allocation. */
  readonly mba: boolean;
  /** Counting of cache and bandwidth. */
  readonly monitoring: boolean;
}

/** The one that is mounted; undefined without. */
export function findResctrl(mounts: readonly MountEntry[] = readMountinfo()): Resctrl | undefined {
  const mount = mounts.findLast(({ type }) => type === "resctrl");
  return mount === undefined ? undefined : readResctrl(mount.mountPoint);
}

/** What is below a mount point: without hardware there is only that. */
export function readResctrl(root: string): Resctrl {
  const has = (name: string) => isDirectory(`${root}/info/${name}`);
  // with CDP there are two kinds of L3 cache
  return { root, cat: has("L3") || has("L3CODE"), mba: has("MB"), monitoring: has("L3_MON") };
}

/** Whether there is such a directory. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
