/** tmpcopyup: what a new tmpfs is about to hide is copied into it first. */

import { call } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { openPath, ownLink, readLinkFd, statFd } from "../../ffi/file.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { Maps } from "../plan/idmapped.ts";
import type { IdMapping } from "../spec/types.ts";

const S_IFMT = 0o170000, S_IFLNK = 0o120000, S_IFREG = 0o100000, S_IFDIR = 0o040000;

/**
 * Copies all that is in one directory into another, with owners and permissions; links are copied as links. The directory's
 * own are the plan's. What is copied may change while it is: every file is opened once, and never through a link.
 *
 * @param maps of the container's user namespace: only its ids can own files of the tmpfs, and what its root could not
 * read is not copied
 */
export function copyTree(from: Fd, to: Fd, maps?: Maps): void {
  try {
    copyEntries(from, behind(to), maps);
  } catch (error) {
    throw new RunoError("copying the directory into its tmpfs (tmpcopyup)", { cause: error });
  }
}

/** What a descriptor is of, whatever has become of the names that led to it. */
function behind(fd: Fd): string {
  return `/proc/self/fd/${fd.number}`;
}

function copyEntries(from: Fd, to: string, maps: Maps | undefined): void {
  for (const { name } of Deno.readDirSync(`${behind(from)}/`)) {
    using entry = openPath(`${behind(from)}/${name}`);
    copyEntry(entry, `${to}/${name}`, maps);
  }
}

function copyEntry(entry: Fd, to: string, maps: Maps | undefined): void {
  const { mode, uid, gid } = statFd(entry.number);
  const type = mode & S_IFMT;
  checkReadable({ mode, uid, gid }, to, maps);
  if (type === S_IFLNK) {
    make(maps, () => Deno.symlinkSync(readLinkFd(entry.number), to));
    return own(() => ownLink(to, uid, gid));
  }
  if (type === S_IFDIR) {
    make(maps, () => Deno.mkdirSync(to));
    copyEntries(entry, to, maps);
  } else if (type === S_IFREG) {
    make(maps, () => Deno.writeTextFileSync(to, "", { createNew: true }));
    Deno.copyFileSync(behind(entry), to);
  } else return; // sockets and devices have no content to carry over
  own(() => Deno.chownSync(to, uid, gid));
  Deno.chmodSync(to, mode & 0o7777);
}

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** root of a user namespace may read what belongs to its ids, and else what everybody may. */
function checkReadable({ mode, uid, gid }: Attributes, to: string, maps: Maps | undefined): void {
  if (maps === undefined || (isMapped(uid, maps.uidMappings) && isMapped(gid, maps.gidMappings))) return;
  const needed = (mode & S_IFMT) === S_IFDIR ? 0o005 : 0o004;
  if ((mode & needed) === needed) return;
  const name = to.slice(to.lastIndexOf("/") + 1);
  throw new RunoError(`opening "${name}": EACCES`, { hint: "root of the container's user namespace may not read it" });
}

function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ hostID, size }) => id >= hostID && id < hostID + size);
}

/** Makes a file: in a tmpfs of a user namespace only one of its ids can (EOVERFLOW). setfsuid(2) */
function make(maps: Maps | undefined, step: () => void): void {
  const root = (mappings: readonly IdMapping[] = []) => mappings.find(({ containerID }) => containerID === 0)?.hostID;
  const uid = root(maps?.uidMappings), gid = root(maps?.gidMappings);
  if (uid === undefined || gid === undefined) return step();
  const before = { gid: call("setfsgid", gid), uid: call("setfsuid", uid) };
  try {
    step();
  } finally {
    call("setfsuid", before.uid);
    call("setfsgid", before.gid);
  }
}

/** Owners that the user namespace does not know are nobody's there: the file stays its root's. */
function own(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (errnoOf(error) !== "EOVERFLOW" && errnoOf(error) !== "EINVAL") throw error;
  }
}
