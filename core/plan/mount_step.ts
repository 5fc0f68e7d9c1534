/** What all mounts have in common: where they go, and how one is spoken of when it fails. */

import type { Reg, Step } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Mount } from "../spec/types.ts";
import { expectWord, procfsType, refuseWord } from "./checks.ts";
import { ASK } from "./asks.ts";
import { isBind } from "./mount_options.ts";
import { components, mountpoint, type MountpointOptions } from "./paths.ts";

/** Where the mount's step says it comes from. */
export function mountStep(p: Program, mount: Mount, index: number, what = ""): Step {
  const name = (isBind(mount) ? mount.source : mount.type) ?? "none";
  return p.step(`mounting "${name}" at "${mount.destination}"${what}`, {
    pointer: `/mounts/${index}`,
    hints: {
      ENODEV: isBind(mount) ? "" : `the kernel knows no file system "${mount.type}", or the option "bind" is missing`,
      ENOTBLK: `"${mount.source ?? ""}" is not a block device; is the option "bind" missing?`,
      EPERM: mount.type === "proc" || mount.type === "sysfs"
        ? `in a user namespace it needs a ${mount.type} around it of which nothing is masked, mount_namespaces(7)`
        : "the kernel allows it to no one in a user namespace, or locked the flags of the mount",
      EINVAL: `an option is not known to the file system${unmapped(mount)}`,
      EROFS: "the mount point is missing and the root file system is read-only",
      EEXIST: "a link of the root file system leads nowhere",
    },
    sentences: {
      EBADF: `"${mount.destination}" cannot be mounted because it is inside /proc`,
      ...mount.type === "proc" || mount.type === "sysfs"
        ? {
          ELOOP: `filesystem "${mount.type}" must be mounted on ordinary directory`,
          ENOTDIR: `filesystem "${mount.type}" must be mounted on ordinary directory`,
        }
        : isBind(mount)
        ? { ENOTDIR: notDirectory(mount) }
        : {},
    },
  });
}

function unmapped({ options = [] }: Mount): string {
  const id = options.find((option) => /^[ug]id=/.test(option));
  return id === undefined ? "" : `, or the id of "${id}" is not mapped in the user namespace`;
}

// docker and podman give advice when they find "not a directory"
function notDirectory({ source, destination }: Mount): string {
  return `mounting "${source}" at "${destination}": not a directory: either both must be directories or neither`;
}

/** What move_mount(2) says of a file that is to cover a directory. */
export function attachStep(p: Program, mount: Mount, index: number): void {
  p.step(`mounting "${mount.source}" at "${mount.destination}": attaching it`, {
    pointer: `/mounts/${index}`,
    sentences: { EINVAL: notDirectory(mount) },
  });
}

/** The place of a mount, made if it is missing. A link of the image must not lead it into /proc: CVE-2019-16884 */
export function mountpointOf(
  p: Program,
  root: Reg,
  { mount: { destination }, index }: { readonly mount: Mount; readonly index: number },
  options: MountpointOptions,
): Reg {
  // behind links that lead nowhere there may be several directories to make: the host finds out which
  const otherwise = options.ordinary
    ? {}
    : { otherwise: () => p.askWithFd(ASK.mountpoint, "mountpoint", root, { number: index }) };
  const at = mountpoint(p, root, destination, { ...options, ...otherwise });
  // validation has looked at those that say where they go
  if (components(destination)[0] !== "proc") refuseWord(p, procfsType(p, at));
  return at;
}

/** What is bound to /proc must be a procfs. */
export function expectProc(p: Program, tree: Reg, { destination }: Mount): void {
  p.step(`looking at what is to be mounted at "${destination}"`, {
    sentences: { EBADF: `"${destination}" cannot be mounted because it is not of type proc` },
  });
  expectWord(p, procfsType(p, tree));
}
