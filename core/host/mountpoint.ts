/**
 * Mount points behind links that lead nowhere yet: /etc/resolv.conf of many images. The program makes all others itself.
 * What those are like that exist.
 */

import {
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW_BY_ARCH,
  O_PATH,
  O_WRONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../ffi/abi.ts";
import { ARCH, call, tryCall } from "../../ffi/call.ts";
import { Fd } from "../../ffi/fd.ts";
import { statFd } from "../../ffi/file.ts";
import { allocate } from "../../ffi/memory.ts";
import { OPEN_HOW } from "../../ffi/structs.ts";
import { RunoError } from "../error.ts";
import { MODE_BYTES } from "../plan/asks.ts";
import { components } from "../plan/paths.ts";

const PERMISSIONS = 0o7777;

/** The answer to the ask `mode`: the directory's permissions as mount options have them, with a NUL. */
export function modeOf(directory: Fd): Uint8Array<ArrayBuffer> {
  const text = (statFd(directory.number).mode & PERMISSIONS).toString(8);
  const answer = new Uint8Array(MODE_BYTES);
  answer.set(new TextEncoder().encode(text));
  return answer;
}

/** As many as path_resolution(7) follows. */
const MAX_LINKS = 40;
const LINK_BYTES = 4096;

/** What is to be made. */
export interface MissingMountpoint {
  /** Absolute, as the container sees it. */
  readonly path: string;
  /** An empty file, or a directory. */
  readonly file: boolean;
  /** Whom on the host it belongs to. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Makes a mount point below the root, through the links that lie on the way, which never lead out of the root.
 * @throws {RunoError}
 */
export function makeMountpoint(root: Fd, missing: MissingMountpoint): void {
  try {
    walk(root, missing);
  } catch (error) {
    throw new RunoError(`making the mount point "${missing.path}"`, { cause: error });
  }
}

function walk(root: Fd, { path, file, owner }: MissingMountpoint): void {
  const remaining = components(path), walked: string[] = [];
  for (let links = 0; remaining.length > 0;) {
    const name = remaining.shift()!;
    if (name === "..") {
      walked.pop();
      continue;
    }
    const target = readLink(root, [...walked, name]);
    if (target === undefined) {
      make(root, walked, { name, file: file && remaining.length === 0, owner });
      walked.push(name);
    } else {
      if (++links > MAX_LINKS) throw new RunoError("too many links: ELOOP");
      if (target.startsWith("/")) walked.length = 0;
      remaining.unshift(...target.split("/").filter((part) => part !== "" && part !== "."));
    }
  }
}

/** Where a link leads; undefined for what is no link, or is not there. */
function readLink(root: Fd, path: readonly string[]): string | undefined {
  const found = open(root, path.join("/"), O_PATH | O_NOFOLLOW_BY_ARCH[ARCH]);
  if (found === "ENOENT") return undefined;
  if (typeof found !== "number") throw new RunoError(`opening "/${path.join("/")}": openat2: ${found}`);
  using fd = new Fd(found);
  const target = allocate(LINK_BYTES);
  const length = tryCall("readlinkat", fd.number, "", target, target.length);
  // ENOENT and EINVAL: not a link
  return typeof length === "number" ? new TextDecoder().decode(target.subarray(0, length)) : undefined;
}

function make(
  root: Fd,
  parent: readonly string[],
  { name, file, owner }: { name: string; file: boolean; owner: MissingMountpoint["owner"] },
): void {
  const found = open(root, parent.join("/") || ".", O_PATH);
  if (typeof found !== "number") throw new RunoError(`opening "/${parent.join("/")}": openat2: ${found}`);
  using directory = new Fd(found);
  const made = file
    ? tryCall("openat", directory.number, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    : tryCall("mkdirat", directory.number, name, 0o755);
  if (made === "EEXIST") return;
  if (typeof made !== "number") throw new RunoError(`making "${name}": ${file ? "openat" : "mkdirat"}: ${made}`);
  if (file) tryCall("close", made);
  if (owner !== undefined) call("fchownat", directory.number, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW);
}

function open(root: Fd, path: string, flags: number): number | string {
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
  const how = OPEN_HOW.pack({ flags: flags | O_CLOEXEC, mode: 0, resolve });
  return tryCall("openat2", root.number, path, how, OPEN_HOW.size);
}
