/** tmpcopyup: what a new tmpfs is about to hide is copied into it first. */

import type { Fd } from "../../ffi/fd.ts";
import { ownLink } from "../../ffi/file.ts";
import { RunoError } from "../error.ts";

/** Copies all that is in one directory into another, with owners and permissions; links are copied as links. The directory's own are the plan's. */
export function copyTree(from: Fd, to: Fd): void {
  try {
    copyEntries(`/proc/self/fd/${from.number}`, `/proc/self/fd/${to.number}`);
  } catch (error) {
    throw new RunoError("copying the directory into its tmpfs (tmpcopyup)", { cause: error });
  }
}

function copyEntries(from: string, to: string): void {
  for (const entry of Deno.readDirSync(`${from}/`)) copyEntry(`${from}/${entry.name}`, `${to}/${entry.name}`);
}

function copyEntry(from: string, to: string): void {
  const stat = Deno.lstatSync(from);
  if (stat.isSymlink) {
    Deno.symlinkSync(Deno.readLinkSync(from), to);
    ownLink(to, stat.uid ?? 0, stat.gid ?? 0);
    return;
  }
  if (stat.isDirectory) {
    Deno.mkdirSync(to);
    copyEntries(from, to);
  } else if (stat.isFile) {
    Deno.copyFileSync(from, to);
  } else return; // sockets and devices have no content to carry over
  copyAttributes(stat, to);
}

function copyAttributes(stat: Deno.FileInfo, to: string): void {
  Deno.chownSync(to, stat.uid, stat.gid);
  Deno.chmodSync(to, (stat.mode ?? 0o755) & 0o7777);
}
