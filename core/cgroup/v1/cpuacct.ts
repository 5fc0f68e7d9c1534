/** The cpuacct controller of cgroup v1, which only counts. Kernel: admin-guide/cgroup-v1/cpuacct.rst */

import { readIfThere } from "../files.ts";
import { type CpuUsage, NO_CPU_USAGE } from "../stats.ts";
import { count, flatKeyed } from "../text.ts";

/** cpuacct.stat counts in USER_HZ, which is 100 everywhere: time(7). */
const NANOSECONDS_PER_TICK = 10_000_000n;

export function statCpuacct(path: string): CpuUsage {
  const total = readIfThere(`${path}/cpuacct.usage`);
  if (total === undefined) return NO_CPU_USAGE;
  const stat = flatKeyed(readIfThere(`${path}/cpuacct.stat`) ?? "");
  // "cpu user system", then a line for each
  const [, ...lines] = (readIfThere(`${path}/cpuacct.usage_all`) ?? "").split("\n");
  const columns = lines.map((line) => line.split(" ").map(count)).filter(({ length }) => length >= 3);
  return {
    total: count(total),
    percpu: (readIfThere(`${path}/cpuacct.usage_percpu`) ?? "").split(" ").filter((text) => text !== "").map(count),
    percpuKernel: columns.map(([, , system]) => system ?? 0n),
    percpuUser: columns.map(([, user]) => user ?? 0n),
    kernel: (stat.get("system") ?? 0n) * NANOSECONDS_PER_TICK,
    user: (stat.get("user") ?? 0n) * NANOSECONDS_PER_TICK,
  };
}
