/** The cpu controller of cgroup v2. Kernel: admin-guide/cgroup-v2.rst, "CPU" */

import { errnoOf } from "../../error.ts";
import type { Cpu, Resources } from "../../spec/types.ts";
import { weightOfShares } from "../conversions.ts";
import { readIfThere } from "../files.ts";
import { withIdle } from "../idle.ts";
import { type CpuStats, NO_CPU_USAGE } from "../stats.ts";
import { hasFile, readFile, type Target, writeLimit } from "../target.ts";
import { decimal, flatKeyed } from "../text.ts";
import { pressure } from "./pressure.ts";

// there are no limits for real-time processes in v2
export function isCpuSet({ cpu = {} }: Resources): boolean {
  const { shares = 0, quota = 0, period = 0, burst, idle } = cpu;
  return shares !== 0 || quota !== 0 || period !== 0 || burst !== undefined || idle !== undefined;
}

export function setCpu(target: Target, { cpu = {} }: Resources): void {
  withIdle(target, cpu.idle, "cpu.weight", () => setWeight(target, cpu));
  setBandwidth(target, cpu);
}

function setWeight(target: Target, { shares = 0 }: Cpu): void {
  if (shares === 0) return;
  writeLimit(target, "cpu.weight", decimal(weightOfShares(shares)), {
    hints: { EINVAL: "an idle cgroup (cpu.idle) has no weight" },
  });
}

const BANDWIDTH_HINTS = {
  EINVAL: "the quota must be 1000 us or more, the period from 1000 to 1000000 us, and the burst within the quota",
};

/** A burst may only fit once the new quota is there. */
function setBandwidth(target: Target, { quota = 0, period = 0, burst }: Cpu): void {
  const limited = quota !== 0 || period !== 0;
  const writeBurst = () => writeLimit(target, "cpu.max.burst", decimal(burst ?? 0), { hints: BANDWIDTH_HINTS });
  // Linux 5.14; older ones do without
  const wanted = burst !== undefined && hasFile(target, "cpu.max.burst");
  const fits = !wanted || tryNow(writeBurst, limited);
  if (limited) writeLimit(target, "cpu.max", maxText(target, quota, period), { hints: BANDWIDTH_HINTS });
  if (!fits) writeBurst();
}

/** False when the value does not fit yet and `later` is allowed. */
function tryNow(write: () => void, later: boolean): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (!later || errnoOf(error) !== "EINVAL") throw error;
    return false;
  }
}

/** Both numbers are written together: what is not asked for stays. */
function maxText(target: Target, quota: number, period: number): string {
  const [oldQuota = "max", oldPeriod = "100000"] = quota !== 0 && period !== 0
    ? []
    : readFile(target, "cpu.max").split(" ");
  const newQuota = quota === 0 ? oldQuota : quota > 0 ? decimal(quota) : "max";
  return `${newQuota} ${period === 0 ? oldPeriod : decimal(period)}`;
}

/** cpu.stat counts in microseconds, and is there without the controller too. */
export function statCpu(path: string): CpuStats {
  const stat = flatKeyed(readIfThere(`${path}/cpu.stat`) ?? "");
  const time = (key: string) => (stat.get(key) ?? 0n) * 1000n;
  return {
    usage: { ...NO_CPU_USAGE, total: time("usage_usec"), kernel: time("system_usec"), user: time("user_usec") },
    throttling: {
      periods: stat.get("nr_periods") ?? 0n,
      throttledPeriods: stat.get("nr_throttled") ?? 0n,
      throttledTime: time("throttled_usec"),
    },
    ...pressure(`${path}/cpu.pressure`),
  };
}
