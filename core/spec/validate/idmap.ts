/** Rules of one list of id mappings, user_namespaces(7), "User and group ID mappings". */

import { at, type Findings } from "../problem.ts";
import type { IdMapping } from "../types.ts";

const IDS = 2 ** 32;

// UID_GID_MAP_MAX_EXTENTS of the kernel
const MAX_MAPPINGS = 340;

/** What the kernel would answer with EINVAL when the map is written. */
export function checkMappingList(mappings: readonly IdMapping[], pointer: string, found: Findings): void {
  if (mappings.length > MAX_MAPPINGS) found.error(pointer, `has more than ${MAX_MAPPINGS} entries`);
  mappings.forEach((mapping, index) => {
    if (mapping.size === 0) found.error(at(pointer, index, "size"), "must be greater than zero");
    for (const side of ["containerID", "hostID"] as const) {
      if (mapping[side] + mapping.size > IDS) found.error(at(pointer, index), `${side} and size go beyond the last id`);
      const other = mappings.slice(0, index).findIndex((earlier) => overlap(mapping, earlier, side));
      if (other !== -1) found.error(at(pointer, index, side), `overlaps the range of ${at(pointer, other)}`);
    }
  });
}

function overlap(a: IdMapping, b: IdMapping, side: "containerID" | "hostID"): boolean {
  return a[side] < b[side] + b.size && b[side] < a[side] + a.size;
}

/** Whether an id inside the container stands for one outside. */
export function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}
