/** Paths that the container must not read, or not write. All are bound by descriptor. */

import * as abi from "../../ffi/abi.ts";
import { STATX, STATX_SIZE } from "../../ffi/structs.ts";
import { Data, type Label, type Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Spec } from "../spec/types.ts";
import { expectWord } from "./checks.ts";
import { labelFileSystem } from "./labels.ts";
import { inRoot } from "./paths.ts";

/** Makes each path read-only, with all that is mounted below it; a missing one is fine. */
export function readonlyPaths(p: Program, root: Reg, spec: Spec): void {
  for (const [i, path] of (spec.linux?.readonlyPaths ?? []).entries()) {
    p.step(`making "${path}" read-only`, { pointer: `/linux/readonlyPaths/${i}` });
    const next = p.label(`after ${path}`);
    const at = p.openat2(root, inRoot(path), {}, { on: "ENOENT", to: next });
    const tree = p.openTree(at, "", { recursive: true });
    p.mountSetattr(tree, "", { set: abi.MOUNT_ATTR_RDONLY, recursive: true });
    p.moveMount(tree, at);
    p.close(tree);
    p.close(at);
    p.place(next);
  }
}

/**
 * Covers each path: a directory with an empty read-only tmpfs, the same for all, a file with /dev/null; a missing one is
 * fine.
 */
export function maskPaths(p: Program, root: Reg, spec: Spec): void {
  const paths = spec.linux?.maskedPaths ?? [];
  if (paths.length === 0) return;
  const null_ = openNull(p, root);
  const empty = p.register("empty");
  p.emitInto(empty, "move", [NOT_MADE]);
  for (const [i, path] of paths.entries()) {
    // covering it once more would only add a mount
    if (paths.indexOf(path) < i) continue;
    p.step(`masking "${path}"`, { pointer: `/linux/maskedPaths/${i}` });
    const next = p.label(`after ${path}`), file = p.label(`mask the file ${path}`), done = p.label(`masked ${path}`);
    const at = p.openat2(root, inRoot(path), {}, { on: "ENOENT", to: next });
    const directory = p.openat2(at, ".", { directory: true, resolve: "host" }, { on: "ENOTDIR", to: file });
    p.close(directory);
    coverDirectory(p, { at, empty, done, label: spec.linux?.mountLabel });
    p.place(file);
    const cover = p.openTree(null_, "", { recursive: false });
    p.moveMount(cover, at);
    p.close(cover);
    p.place(done);
    p.close(at);
    p.place(next);
  }
  p.close(null_);
  p.close(empty);
}

/** What the register of the empty tmpfs holds as long as no directory needed it. */
const NOT_MADE = -1;

interface Cover {
  readonly at: Reg;
  readonly empty: Reg;
  readonly done: Label;
  readonly label: string | undefined;
}

/** The first directory gets the tmpfs itself, which is copied for the others: a mount can be copied once it is attached. */
function coverDirectory(p: Program, { at, empty, done, label }: Cover): void {
  const first = p.label("make the empty tmpfs");
  p.emit("jump_if_equal", [empty, NOT_MADE], { to: first });
  const copy = p.openTree(empty, "", { recursive: false });
  p.moveMount(copy, at);
  p.close(copy);
  p.jump(done);
  p.place(first);
  const context = p.fsopen("tmpfs");
  p.fsconfigString(context, "source", "tmpfs");
  p.fsconfigString(context, "nr_inodes", "1");
  p.fsconfigFlag(context, "ro");
  labelFileSystem(p, context, "tmpfs", label);
  p.fsconfigCreate(context);
  p.fsmountInto(empty, context, abi.MOUNT_ATTR_RDONLY);
  p.moveMount(empty, at);
  p.jump(done);
}

/** /dev/null of the container, opened once and looked at: the image may have put a link there. CVE-2025-31133 */
function openNull(p: Program, root: Reg): Reg {
  const invalid = "container's /dev/null is invalid";
  p.step("opening /dev/null of the container", {
    sentences: { ENOENT: invalid, ELOOP: invalid, ENOTDIR: invalid, EBADF: invalid },
  });
  const null_ = p.openat2(root, "dev/null", { nofollow: true });
  const stat = new Data(new Uint8Array(STATX_SIZE), { text: "statx" });
  p.emit("statx", [null_, "", abi.AT_EMPTY_PATH, abi.STATX_TYPE, stat]);
  expectWord(p, { data: stat, offset: STATX.offset("rdev_major"), value: 1 });
  expectWord(p, { data: stat, offset: STATX.offset("rdev_minor"), value: 3 });
  return null_;
}
