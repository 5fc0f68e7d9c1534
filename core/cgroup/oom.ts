/** Whether the kernel has killed processes of a container for want of memory. */

import { readIfThere } from "./files.ts";
import type { Cgroup } from "./paths.ts";
import { flatKeyed } from "./text.ts";

/** How often it has killed one. */
export function oomKills({ paths }: Cgroup): number {
  const { memory, "": v2 } = paths;
  // oom_kill_group kills all at once, and counts each
  const file = memory !== undefined ? `${memory}/memory.oom_control` : v2 === undefined ? "" : `${v2}/memory.events`;
  return file === "" ? 0 : Number(flatKeyed(readIfThere(file) ?? "").get("oom_kill") ?? 0n);
}

/** The limit and the most that was used, as a clause for an error; undefined when the kernel does not tell. */
export function memoryReport({ paths }: Cgroup): string | undefined {
  const { memory, "": v2 } = paths;
  const [limit, peak] = memory !== undefined
    ? [readIfThere(`${memory}/memory.limit_in_bytes`), readIfThere(`${memory}/memory.max_usage_in_bytes`)]
    : [readIfThere(`${v2}/memory.max`), readIfThere(`${v2}/memory.peak`)];
  if (limit === undefined) return undefined;
  return `limit ${limit} bytes${peak === undefined ? "" : `, peak ${peak}`}`;
}
