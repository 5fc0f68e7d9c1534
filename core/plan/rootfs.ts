/** The root file system: attached in the new mount namespace, made the root, finished. */

import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { RootfsPropagation } from "../spec/types.ts";
import { type CreateInputs, hasNamespace, isNew } from "./inputs.ts";

const PROPAGATION: Readonly<Record<RootfsPropagation, { readonly flag: number; readonly recursive: boolean }>> = {
  shared: { flag: abi.MS_SHARED, recursive: false },
  rshared: { flag: abi.MS_SHARED, recursive: true },
  slave: { flag: abi.MS_SLAVE, recursive: false },
  rslave: { flag: abi.MS_SLAVE, recursive: true },
  private: { flag: abi.MS_PRIVATE, recursive: false },
  rprivate: { flag: abi.MS_PRIVATE, recursive: true },
  unbindable: { flag: abi.MS_UNBINDABLE, recursive: false },
  runbindable: { flag: abi.MS_UNBINDABLE, recursive: true },
};

/**
 * A procfs that nobody else can mount over; where the kernel refuses one (no rights over the pid namespace), that at /proc.
 * @param check looks at the latter, if it is not the host's
 */
export function privateProc(p: Program, check?: (proc: Reg) => void): Reg {
  p.step("opening a private procfs");
  const refused = p.label("use /proc"), done = p.label("have procfs");
  const proc = p.register("proc");
  const context = p.fsopen("proc");
  p.fsconfigCreate(context, { on: "any", to: refused });
  p.emitInto(proc, "fsmount", [context, abi.FSMOUNT_CLOEXEC, 0], { on: "any", to: refused });
  p.jump(done);
  p.place(refused);
  p.openat2Into(proc, abi.AT_FDCWD, "/proc", { directory: true, resolve: "host" });
  check?.(proc);
  p.place(done);
  p.close(context);
  return proc;
}

/** Sets the propagation and attaches a copy of the root file system to its own place: a mount that can become the root. */
export function bindRootfs(p: Program, { spec, rootfs, rootfsParent }: CreateInputs): Reg {
  const propagation = PROPAGATION[spec.linux?.rootfsPropagation ?? "rslave"];
  if (isNew(spec, "mount")) {
    p.step("keeping mounts from the host", { pointer: "/linux/rootfsPropagation" });
    // an unbindable tree cannot be copied: it becomes so at the end
    const flag = propagation.flag === abi.MS_UNBINDABLE ? abi.MS_PRIVATE : propagation.flag;
    p.mountSetattr(abi.AT_FDCWD, "/", { propagation: flag, recursive: propagation.recursive });
    if (rootfsParent !== undefined) {
      // what is attached below a shared mount would show up on the host
      const parent = propagation.flag === abi.MS_SLAVE ? abi.MS_SLAVE : abi.MS_PRIVATE;
      p.mountSetattr(abi.AT_FDCWD, rootfsParent, { propagation: parent });
    }
  }
  p.step(`opening the root file system "${rootfs}"`, {
    pointer: "/root/path",
    hints: {
      ENOENT: "root.path of config.json is missing",
      EACCES:
        "root of the container's user namespace must be able to reach it: check the permissions of the directories above",
    },
  });
  const root = p.openTree(abi.AT_FDCWD, rootfs, { recursive: true });
  p.moveMount(root, abi.AT_FDCWD, rootfs);
  return root;
}

/** Makes the tree the root and takes the host's away. */
export function changeRoot(p: Program, root: Reg, inputs: CreateInputs): void {
  if (!hasNamespace(inputs.spec, "mount")) chroot(p, root);
  else if (inputs.noPivot) moveRoot(p, root, inputs.facts.hostProcMounts);
  else pivotRoot(p, root);
}

function pivotRoot(p: Program, root: Reg): void {
  p.step("changing the root", { hints: { EINVAL: "a root file system on initramfs needs --no-pivot" } });
  const old = p.openat2(abi.AT_FDCWD, "/", { directory: true, resolve: "host" });
  p.emit("fchdir", [root]);
  p.emit("pivot_root", [".", "."]);
  // unmounting must not reach the host
  p.emit("fchdir", [old]);
  p.mountSetattr(abi.AT_FDCWD, ".", { propagation: abi.MS_SLAVE, recursive: true });
  p.emit("umount2", [".", abi.MNT_DETACH]);
  p.emit("fchdir", [root]);
  p.close(old);
}

/** Without pivot_root the host's tree stays below: at least its full procfs and sysfs must not. */
function moveRoot(p: Program, root: Reg, hostProcMounts: readonly string[]): void {
  for (const path of hostProcMounts) {
    p.step(`hiding the host's "${path}"`);
    const done = p.label("hidden"), cover = p.label("cover it");
    p.emit("umount2", [path, abi.MNT_DETACH], { on: "any", to: cover });
    p.jump(done);
    p.place(cover);
    // locked in a user namespace: cover it
    p.emit("mount", ["tmpfs", path, "tmpfs", abi.MS_RDONLY, 0], { ignore: "ENOENT" });
    p.place(done);
  }
  p.step("moving the root");
  p.emit("fchdir", [root]);
  p.moveMount(root, abi.AT_FDCWD, "/");
  chroot(p, root);
}

function chroot(p: Program, root: Reg): void {
  p.step("changing the root");
  p.emit("fchdir", [root]);
  p.emit("chroot", ["."]);
}

/** What can only be done when nothing is made in the root any more. */
export function finishRootfs(p: Program, root: Reg, { spec }: CreateInputs): void {
  if (spec.root?.readonly === true) {
    p.step("making the root file system read-only", { pointer: "/root/readonly" });
    p.mountSetattr(root, "", { set: abi.MOUNT_ATTR_RDONLY });
  }
  const asked = spec.linux?.rootfsPropagation;
  if (asked === undefined || !hasNamespace(spec, "mount")) return;
  p.step(`setting the propagation "${asked}"`, { pointer: "/linux/rootfsPropagation" });
  const { flag, recursive } = PROPAGATION[asked];
  p.mountSetattr(root, "", { propagation: flag, recursive });
}
