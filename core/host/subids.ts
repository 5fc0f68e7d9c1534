/** The ids beside its own that a user may map. subuid(5), subgid(5) */

import { ownerName } from "./container.ts";

/** A range of ids. */
export interface IdRange {
  readonly first: number;
  readonly size: number;
}

/** The ranges of a user; none where there is no file. */
export function subordinateRanges(kind: "uid" | "gid", euid: number): IdRange[] {
  return parseRanges(readFile(`/etc/sub${kind}`), [String(euid), ownerName(euid)]);
}

/** The ranges that belong to a user, by name or number. */
export function parseRanges(text: string, names: readonly string[]): IdRange[] {
  return text.split("\n").map((line) => line.split(":")).filter(([name]) => names.includes(name ?? ""))
    .map(([, first, size]) => ({ first: Number(first), size: Number(size) }));
}

/** The command that gives a user ranges. */
export function rangeAdvice(kind: "uid" | "gid", euid: number): string {
  return `usermod --add-sub${kind}s 100000-165535 ${ownerName(euid)}`;
}

function readFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
