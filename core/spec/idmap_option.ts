/** Options that give a mount an id mapping: runc's `idmap` and `ridmap`, and crun's `idmap=uids=0-1-10#10-11-10;gids=@0-1-10`. */

import type { IdMapping } from "./types.ts";

/** Ranges of one kind of ids. */
export interface IdmapRanges {
  readonly mappings: readonly IdMapping[];
  /** "@": hostID counts in the container's user namespace. */
  readonly relative: boolean;
}

/** What an option says; absent kinds are the container's own. */
export interface IdmapOption {
  /** Whether mounts below have it as well. */
  readonly recursive: boolean;
  readonly uids?: IdmapRanges;
  readonly gids?: IdmapRanges;
}

/** The option, "malformed" for one that is not understood, undefined for one about something else. */
export function parseIdmapOption(option: string): IdmapOption | "malformed" | undefined {
  const [, recursively, ranges] = /^(r?)idmap(?:=(.*))?$/s.exec(option) ?? [];
  if (recursively === undefined) return undefined;
  const recursive = recursively === "r";
  if (ranges === undefined) return { recursive };
  const kinds: { uids?: IdmapRanges; gids?: IdmapRanges } = {};
  for (const part of ranges.split(";")) {
    const [, kind, relative, list] = /^([ug]ids)=(@?)(.+)$/.exec(part) ?? [];
    const mappings = list?.split("#").map(parseRange);
    if (mappings === undefined || !mappings.every((mapping) => mapping !== undefined)) return "malformed";
    kinds[kind as "uids" | "gids"] = { mappings, relative: relative === "@" };
  }
  return { recursive, ...kinds };
}

// on the file system - on the host - how many
function parseRange(text: string): IdMapping | undefined {
  const [, containerID, hostID, size] = /^(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(text) ?? [];
  if (size === undefined) return undefined;
  return { containerID: Number(containerID), hostID: Number(hostID), size: Number(size) };
}
