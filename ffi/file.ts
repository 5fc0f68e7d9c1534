/** Files of the host by descriptor, for what Deno's own API cannot do (O_PATH, FIFOs, descriptors of others). */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  F_ADD_SEALS,
  F_SEAL_ALL,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MNT_DETACH,
  O_CLOEXEC,
  O_DIRECTORY_BY_ARCH,
  O_NOFOLLOW_BY_ARCH,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  S_IFIFO,
  STATX_BASIC_STATS,
  UMOUNT_NOFOLLOW,
} from "./abi.ts";
import { ARCH, call, tryCall } from "./call.ts";
import { Fd } from "./fd.ts";
import { allocate } from "./memory.ts";
import { STATFS, STATX, STATX_SIZE } from "./structs.ts";

/** What a path may have at most, its NUL included. */
const PATH_MAX = 4096;

const O_NOFOLLOW = O_NOFOLLOW_BY_ARCH[ARCH];

/** Opens a file as a place only (O_PATH); a symlink at its end is not followed. */
export function openPath(path: string): Fd {
  return new Fd(call("openat", AT_FDCWD, path, O_PATH | O_CLOEXEC | O_NOFOLLOW, 0));
}

/** Opens a directory; a symlink at its end is not followed. */
export function openDirectory(path: string): Fd {
  const flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY_BY_ARCH[ARCH] | O_NOFOLLOW;
  return new Fd(call("openat", AT_FDCWD, path, flags, 0));
}

/** Opens a file for reading; a symlink at its end is not followed. */
export function openReadOnly(path: string): Fd {
  return new Fd(call("openat", AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0));
}

/** The same, a symlink followed: those of /proc/PID/ns are no paths. */
export function openReadOnlyFollow(path: string): Fd {
  return new Fd(call("openat", AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0));
}

/** Opens a FIFO for reading without waiting for a writer. */
export function openFifoReader(path: string): Fd {
  return new Fd(call("openat", AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, 0));
}

/** Makes a FIFO; mode as given, whatever the umask. */
export function makeFifo(path: string, mode: number): void {
  call("mknodat", AT_FDCWD, path, S_IFIFO | mode, 0);
  call("fchmodat", AT_FDCWD, path, mode);
}

/** What statx(2) says of an open file. */
export function statFd(fd: number): ReturnType<typeof STATX.read> {
  const bytes = allocate(STATX_SIZE);
  call("statx", fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, bytes);
  return STATX.read(bytes);
}

/** The flags (ST_*) of the mount that a path is on; symlinks are followed. */
export function mountFlags(path: string): number {
  using file = new Fd(call("openat", AT_FDCWD, path, O_PATH | O_CLOEXEC, 0));
  const bytes = allocate(STATFS.size);
  call("fstatfs", file.number, bytes);
  return Number(STATFS.read(bytes).flags);
}

/** Reads from a descriptor what is there, at most `limit` bytes. */
export function readUpTo(fd: number, limit: number): Uint8Array<ArrayBuffer> {
  const bytes = allocate(limit);
  let length = 0;
  for (;;) {
    const read = call("read", fd, bytes.subarray(length), limit - length);
    length += read;
    if (read === 0 || length === limit) return bytes.subarray(0, length);
  }
}

/** Writes all bytes. */
export function writeAll(fd: number, bytes: Uint8Array<ArrayBuffer>): void {
  for (let done = 0; done < bytes.length;) done += call("write", fd, bytes.subarray(done), bytes.length - done);
}

/** A memory file, read from its start. */
export function memoryFile(name: string, content: Uint8Array<ArrayBuffer> = allocate(0)): Fd {
  const fd = new Fd(call("memfd_create", name, MFD_CLOEXEC));
  writeAll(fd.number, content);
  call("lseek", fd.number, 0, 0);
  return fd;
}

/** A memory file with this content, sealed against any change: what init is executed from. */
export function sealedFile(name: string, content: Uint8Array<ArrayBuffer>): Fd {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  // MFD_EXEC since Linux 6.3, where vm.memfd_noexec may ask for it; older kernels say EINVAL
  const made = tryCall("memfd_create", name, flags | MFD_EXEC);
  const fd = new Fd(typeof made === "number" ? made : call("memfd_create", name, flags));
  writeAll(fd.number, content);
  call("fcntl", fd.number, F_ADD_SEALS, F_SEAL_ALL);
  return fd;
}

/** Where an open symlink (O_PATH) leads. */
export function readLinkFd(fd: number): string {
  const target = allocate(PATH_MAX);
  const length = call("readlinkat", fd, "", target, target.length);
  return new TextDecoder().decode(target.subarray(0, length));
}

/** Takes a mount, and all below it, out of the tree. */
export function detachMount(path: string): void {
  call("umount2", path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

/** Changes the owner of a symlink itself. */
export function ownLink(path: string, uid: number, gid: number): void {
  call("fchownat", AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
