/** The misc controller of cgroup v2, which is limited through `unified` alone. Kernel: admin-guide/cgroup-v2.rst, "Misc" */

import { readIfThere } from "../files.ts";
import type { MiscStats } from "../stats.ts";
import { flatKeyed } from "../text.ts";

/** By resource; undefined when the machine has none. */
export function statMisc(path: string): Record<string, MiscStats> | undefined {
  const current = flatKeyed(readIfThere(`${path}/misc.current`) ?? "");
  if (current.size === 0) return undefined;
  const events = flatKeyed(readIfThere(`${path}/misc.events`) ?? "");
  return Object.fromEntries(
    [...current].map(([name, usage]) => [name, { usage, events: events.get(`${name}.max`) ?? 0n }]),
  );
}
