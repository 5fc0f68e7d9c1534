/** The mount options that are not file system data. */

import type { Mount } from "./types.ts";

const FLAGS =
  "async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime " +
  "noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow rbind relatime remount ro rw silent " +
  "strictatime suid symfollow sync";

const PROPAGATION = "private rprivate rshared rslave runbindable shared slave unbindable";

// applied to all mounts below as well, mount_setattr(2) with AT_RECURSIVE
const RECURSIVE =
  "ratime rdev rdiratime rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid " +
  "rnosymfollow rro rrelatime rrw rstrictatime rsuid rsymfollow";

const EXTENSIONS = "idmap ridmap tmpcopyup";

/** Every option with a meaning of its own (runtime-spec config.md, "mounts"); any other is data for the file system. */
export const MOUNT_OPTIONS: ReadonlySet<string> = new Set(
  [FLAGS, PROPAGATION, RECURSIVE, EXTENSIONS].flatMap((names) => names.split(" ")),
);

/** Whether the mount binds something that exists instead of mounting a file system. */
export function isBind(mount: Mount): boolean {
  return mount.type === "bind" || hasOption(mount, "bind", "rbind");
}

/** Whether any of these options is given. */
export function hasOption(mount: Mount, ...names: readonly string[]): boolean {
  return mount.options?.some((option) => names.includes(option)) ?? false;
}
