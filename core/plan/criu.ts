/** The programs that become CRIU: descriptors in their places; for a restore in the container's cgroup, and among mounts of its own. */

import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import { table, words } from "../program/blocks.ts";
import type { Architecture } from "../program/image.ts";
import { Program } from "../program/program.ts";
import type { Mount, Spec } from "../spec/types.ts";
import { type CgroupDirectories, enterCgroup, openCgroup } from "./cgroup.ts";
import type { HostFacts } from "./inputs.ts";
import { loopback } from "./kernel.ts";
import { isBind, parseOptions } from "./mount_options.ts";
import { inRoot, mountpoint } from "./paths.ts";
import { openSource } from "./sources.ts";

/** What `planCriu` needs. */
export interface CriuInputs {
  readonly arch: Architecture;
  /** The executable, and its arguments from argv[0] on. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** For each descriptor of CRIU from 0 on the number that the program inherits it by, beyond all of CRIU's. */
  readonly files: readonly number[];
  /** For a restore. */
  readonly restore?: RestoreInputs;
}

/** What CRIU must find when it restores. */
export interface RestoreInputs {
  /** The container's: what is restored inherits it. */
  readonly cgroup: CgroupDirectories;
  readonly spec: Spec;
  readonly bundle: string;
  /** Absolute, without symlinks. */
  readonly rootfs: string;
  /** An empty directory to bind the root file system to: CRIU wants a mount point that nothing is mounted over. */
  readonly root: string;
  readonly sources: HostFacts["sources"];
  /** Whether all mount points are there, so that none need be made. */
  readonly mountpoints: boolean;
  /** Absent where CRIU mounts the cgroup hierarchies by itself. */
  readonly yard?: CgroupYard;
}

/** Where CRIU finds the cgroup hierarchies. */
export interface CgroupYard {
  /** An empty directory. */
  readonly directory: string;
  /** Mount points of the host by the name that CRIU looks for. */
  readonly hierarchies: ReadonlyMap<string, string>;
}

/** The program that becomes CRIU. */
export function planCriu({ arch, path, args, env, files, restore }: CriuInputs): Program {
  const p = new Program(arch);
  p.step("preparing CRIU");
  p.defaultAction([abi.SIGPIPE]);
  if (restore !== undefined) {
    enterCgroup(p, openCgroup(p, restore.cgroup, { clones: false, early: true, seen: false }), false);
    restoreMounts(p, restore);
  }
  p.step("giving CRIU its descriptors");
  for (const [i, fd] of files.entries()) p.emit("dup3", [fd, i, 0]);
  p.step(`executing "${path}"`, { hints: { ENOENT: "is its interpreter or loader missing?" } });
  p.emit("close_range", [files.length, 0xffffffff, abi.CLOSE_RANGE_CLOEXEC]);
  p.execve(path, table(args), table(env));
  return p;
}

/** The root file system where CRIU wants it, in a mount namespace that ends with CRIU: whatever happens to it, the host sees no mount. */
function restoreMounts(p: Program, inputs: RestoreInputs): void {
  p.step("making a mount namespace for CRIU", { hints: { EPERM: "restoring needs root" } });
  p.unshare(abi.CLONE_NEWNS);
  p.mountSetattr(abi.AT_FDCWD, "/", { propagation: abi.MS_SLAVE, recursive: true });
  if (!inputs.mountpoints) mountpoints(p, inputs);
  p.close(bindRoot(p, inputs));
  if (inputs.yard !== undefined) cgroupYard(p, inputs.yard);
}

/** In a tmpfs: CRIU adds what it misses, and the host sees none of that either. */
function cgroupYard(p: Program, { directory, hierarchies }: CgroupYard): void {
  p.step("showing CRIU the cgroup hierarchies");
  const context = p.fsopen("tmpfs");
  p.fsconfigString(context, "mode", "700");
  p.fsconfigCreate(context);
  const yard = p.fsmount(context, 0);
  p.moveMount(yard, abi.AT_FDCWD, directory);
  for (const [name, mountPoint] of hierarchies) {
    p.step(`showing CRIU the cgroup hierarchy "${mountPoint}"`);
    p.mkdirat(yard, name, 0o700);
    const tree = p.openTree(abi.AT_FDCWD, mountPoint, { recursive: false });
    p.moveMount(tree, yard, name);
    p.close(tree);
  }
  p.close(yard);
}

function bindRoot(p: Program, { rootfs, root }: RestoreInputs): Reg {
  p.step(`binding the root file system "${rootfs}" for CRIU`, {
    pointer: "/root/path",
    hints: { ENOENT: "root.path of config.json is missing" },
  });
  const tree = p.openTree(abi.AT_FDCWD, rootfs, { recursive: true });
  p.moveMount(tree, abi.AT_FDCWD, root);
  return tree;
}

/**
 * Makes the mount points that are missing, as `create` does: CRIU makes none. What lies inside of a bind mount is made in
 * its source, so those are mounted meanwhile; what lies in another mount of the container comes with that.
 */
function mountpoints(p: Program, inputs: RestoreInputs): void {
  const tree = bindRoot(p, inputs);
  const mounts = inputs.spec.mounts ?? [];
  for (const [i, mount] of mounts.entries()) {
    if (isCovered(mount, mounts.slice(0, i)) || parseOptions(mount.options ?? []).remount) continue;
    const source = isBind(mount)
      ? openSource(p, i, { ...inputs, extraMounts: [], idmaps: new Map() }, { tree: p.register("tree") })
      : undefined;
    p.step(`making the mount point "${mount.destination}"`, {
      pointer: `/mounts/${i}/destination`,
      hints: { EROFS: "it is missing and the root file system is read-only" },
    });
    const at = mountpoint(p, tree, mount.destination, { file: inputs.sources.get(i) === "file" });
    if (source !== undefined) {
      p.moveMount(source, at);
      p.close(source);
    }
    p.close(at);
  }
  p.step("taking the mounts away again");
  p.close(tree);
  p.emit("umount2", [inputs.root, abi.MNT_DETACH]);
}

/** True when the mount lies in one that is no bind mount: CRIU restores what a tmpfs holds, the kernel what procfs does. */
export function isCovered(mount: Mount, earlier: readonly Mount[]): boolean {
  const at = inRoot(mount.destination);
  return earlier.some((other) => !isBind(other) && at.startsWith(`${inRoot(other.destination)}/`));
}

/**
 * Brings up the loopback device of a network namespace that CRIU has made and left empty, as `create` does.
 * @param pidfd number of an inherited descriptor of a process in it
 */
export function planLoopback(arch: Architecture, pidfd: number): Program {
  const p = new Program(arch);
  p.step("entering the network namespace of the restored container");
  p.emit("setns", [pidfd, abi.CLONE_NEWNET]);
  loopback(p);
  p.emit("exit_group", [0]);
  return p;
}

/** What `planThaw` needs. */
export interface ThawInputs {
  readonly arch: Architecture;
  /** Number of the inherited descriptor of a pipe: who holds its other end may let the container be frozen. */
  readonly pipe: number;
  /** The freezer's file, and what lets the processes go on. */
  readonly file: string;
  readonly text: string;
}

/** A guard that lets a frozen container go on when all who work on it have ended, in whatever way. */
export function planThaw({ arch, pipe, file, text }: ThawInputs): Program {
  const p = new Program(arch);
  p.step("guarding a frozen container");
  p.prctl(abi.PR_SET_NAME, "runo:[GUARD]");
  // what ends the command at its terminal must not end its guard
  p.emit("setsid", [], { ignore: "any" });
  p.emit("close_range", [0, pipe - 1, 0]);
  p.emit("close_range", [pipe + 1, 0xffffffff, 0]);
  p.emit("read", [pipe, words([0], "nothing"), 1], { ignore: "any" });
  p.writeFile(abi.AT_FDCWD, file, text, { resolve: "host" }, { ignore: "any" });
  p.emit("exit_group", [0]);
  return p;
}
