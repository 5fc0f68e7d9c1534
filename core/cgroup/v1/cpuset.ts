/** The cpuset controller of cgroup v1. cpuset(7) */

import type { Resources } from "../../spec/types.ts";
import { exists, readIfThere, readValue, writeValue } from "../files.ts";
import { parentOf } from "../paths.ts";
import { type CpusetStats, NO_CPUSET } from "../stats.ts";
import { type Target, writeLimit } from "../target.ts";
import { count, idList } from "../text.ts";

const HINTS = {
  ERANGE: "there is no such CPU or memory node",
  EINVAL: "no such CPU or memory node is online",
  EACCES: "the parent cgroup does not have it",
  EBUSY: "another cgroup has it for itself (exclusive), or processes with deadline scheduling need it",
  ENOSPC: "processes in it would be left without any",
};

export function isCpusetSet({ cpu = {} }: Resources): boolean {
  return (cpu.cpus ?? "") !== "" || (cpu.mems ?? "") !== "";
}

export function setCpuset(target: Target, { cpu = {} }: Resources): void {
  if (cpu.cpus) writeLimit(target, cpusetFile(target.path, "cpus"), cpu.cpus, { hints: HINTS });
  if (cpu.mems) writeLimit(target, cpusetFile(target.path, "mems"), cpu.mems, { hints: HINTS });
}

/** The files have no prefix where the hierarchy is mounted with "noprefix" (Android). */
function cpusetFile(path: string, name: string): string {
  return exists(`${path}/cpuset.cpus`) ? `cpuset.${name}` : name;
}

/** A cpuset takes no process before it has CPUs and memory nodes: what is missing comes from the parent, and its parent. */
export function inheritCpuset(path: string): void {
  const parent = parentOf(path);
  for (const name of ["cpus", "mems"]) {
    const file = cpusetFile(path, name);
    if (readValue(`${path}/${file}`) !== "") continue;
    if (readValue(`${parent}/${file}`) === "") inheritCpuset(parent);
    writeValue(`${path}/${file}`, readValue(`${parent}/${file}`), HINTS);
  }
}

export function statCpuset(path: string): CpusetStats {
  const text = (name: string) => readIfThere(`${path}/${cpusetFile(path, name)}`) ?? "";
  if (text("cpus") === "") return NO_CPUSET;
  return {
    cpus: idList(text("cpus")),
    cpuExclusive: count(text("cpu_exclusive")),
    mems: idList(text("mems")),
    memHardwall: count(text("mem_hardwall")),
    memExclusive: count(text("mem_exclusive")),
    memoryMigrate: count(text("memory_migrate")),
    memorySpreadPage: count(text("memory_spread_page")),
    memorySpreadSlab: count(text("memory_spread_slab")),
    memoryPressure: count(text("memory_pressure")),
    schedLoadBalance: count(text("sched_load_balance")),
    schedRelaxDomainLevel: count(text("sched_relax_domain_level")),
  };
}
