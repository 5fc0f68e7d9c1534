/** How a mount is spoken of when it fails. */

import type { Program } from "../program/program.ts";
import type { Mount } from "../spec/types.ts";
import { isBind } from "./mount_options.ts";

/** Where the mount's step says it comes from. */
export function mountStep(p: Program, mount: Mount, index: number, what = ""): void {
  const name = isBind(mount) ? mount.source : mount.type;
  p.step(`mounting "${name}" at "${mount.destination}"${what}`, {
    pointer: `/mounts/${index}`,
    hints: {
      ENODEV: isBind(mount) ? "" : `the kernel knows no file system "${mount.type}", or the option "bind" is missing`,
      ENOTBLK: `"${mount.source}" is not a block device; is the option "bind" missing?`,
      EPERM: "the kernel allows it to no one in a user namespace, or locked the flags of the mount",
      EINVAL: "an option is not known to the file system",
      EROFS: "the mount point is missing and the root file system is read-only",
    },
    sentences: mount.type === "proc" || mount.type === "sysfs"
      ? {
        ELOOP: `filesystem "${mount.type}" must be mounted on ordinary directory`,
        ENOTDIR: `filesystem "${mount.type}" must be mounted on ordinary directory`,
      }
      : {},
  });
}
