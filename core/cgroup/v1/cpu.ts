/** The cpu controller of cgroup v1. Kernel: scheduler/sched-bwc.rst, scheduler/sched-rt-group.rst */

import { errnoOf, RunoError } from "../../error.ts";
import type { Cpu, Resources } from "../../spec/types.ts";
import { readIfThere } from "../files.ts";
import { withIdle } from "../idle.ts";
import { NO_THROTTLING, type ThrottlingStats } from "../stats.ts";
import { hasFile, readFile, type Target, writeLimit } from "../target.ts";
import { count, decimal, flatKeyed } from "../text.ts";

export function isCpuSet({ cpu = {} }: Resources): boolean {
  const { shares = 0, quota = 0, period = 0, realtimeRuntime = 0, realtimePeriod = 0, burst, idle } = cpu;
  const numbers = [shares, quota, period, realtimeRuntime, realtimePeriod];
  return numbers.some((number) => number !== 0) || burst !== undefined || idle !== undefined;
}

export function setCpu(target: Target, { cpu = {} }: Resources): void {
  withIdle(target, cpu.idle, "cpu.shares", () => setShares(target, cpu));
  setBandwidth(target, cpu);
  setRealtime(target, cpu);
}

/** The kernel changes shares that are out of its range without a word. */
function setShares(target: Target, { shares = 0 }: Cpu): void {
  if (shares === 0) return;
  writeLimit(target, "cpu.shares", decimal(shares), {
    hints: { EINVAL: "an idle cgroup (cpu.idle) has no shares" },
  });
  const taken = count(readFile(target, "cpu.shares"));
  if (BigInt(shares) > taken) throw new RunoError(`the maximum allowed cpu-shares is ${taken}`, { kind: "invalid" });
  if (BigInt(shares) < taken) throw new RunoError(`the minimum allowed cpu-shares is ${taken}`, { kind: "invalid" });
}

/** One value may only fit once the other has been written: what the kernel refuses is tried again after the quota. */
function setBandwidth(target: Target, { quota = 0, period = 0, burst }: Cpu): void {
  const again: (() => void)[] = [];
  const first = (file: string, value: number) => {
    const write = () => writeLimit(target, file, decimal(value), { hints: BANDWIDTH_HINTS });
    if (!tryNow(write, quota !== 0)) again.push(write);
  };
  if (period !== 0) first("cpu.cfs_period_us", period);
  // Linux 5.14; older ones do without
  if (burst !== undefined && hasFile(target, "cpu.cfs_burst_us")) first("cpu.cfs_burst_us", burst);
  if (quota !== 0) writeLimit(target, "cpu.cfs_quota_us", decimal(quota), { hints: BANDWIDTH_HINTS });
  for (const write of again) write();
}

const BANDWIDTH_HINTS = {
  EINVAL:
    "the quota must be 1000 us or more and fit into that of the parent cgroup, the period from 1000 to 1000000 us",
};

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

/** Before init enters: a real-time process cannot enter a cgroup without runtime. */
function setRealtime(target: Target, { realtimeRuntime = 0, realtimePeriod = 0 }: Cpu): void {
  const hints = { EINVAL: "the runtime must be within the period and what the parent cgroup has left" };
  const writePeriod = () => writeLimit(target, "cpu.rt_period_us", decimal(realtimePeriod), { hints });
  const fits = realtimePeriod === 0 || tryNow(writePeriod, realtimeRuntime !== 0);
  if (realtimeRuntime !== 0) writeLimit(target, "cpu.rt_runtime_us", decimal(realtimeRuntime), { hints });
  if (!fits) writePeriod();
}

export function statCpu(path: string): ThrottlingStats {
  const stat = flatKeyed(readIfThere(`${path}/cpu.stat`) ?? "");
  return {
    ...NO_THROTTLING,
    periods: stat.get("nr_periods") ?? 0n,
    throttledPeriods: stat.get("nr_throttled") ?? 0n,
    throttledTime: stat.get("throttled_time") ?? 0n,
  };
}
