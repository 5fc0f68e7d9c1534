/** The CPUs that a process may run on: those of its cgroup, not those that the caller happens to be confined to. */

import type { Program } from "../program/program.ts";
import { words } from "../program/blocks.ts";
import type { Process } from "../spec/types.ts";
import { cpuList } from "./lists.ts";

/** More CPUs than kernels are built for (CONFIG_NR_CPUS). */
const MAX_CPUS = 8192;

/** `execCPUAffinity.initial`: where the process runs until it is in the container's cgroup. */
export function initialAffinity(p: Program, { execCPUAffinity }: Process): void {
  if (execCPUAffinity?.initial !== undefined) setAffinity(p, "initial", execCPUAffinity.initial);
}

/** `execCPUAffinity.final`, or all CPUs of the cgroup. */
export function finalAffinity(p: Program, { execCPUAffinity }: Process): void {
  if (execCPUAffinity?.final === undefined) resetAffinity(p);
  else setAffinity(p, "final", execCPUAffinity.final);
}

/** All CPUs: the kernel takes away those that the cpuset has not. */
export function resetAffinity(p: Program): void {
  p.step("running on all CPUs of the cgroup");
  const all = new Array<number>(MAX_CPUS / 32).fill(0xffffffff);
  p.emit("sched_setaffinity", [0, MAX_CPUS / 8, words(all, "all CPUs")], { ignore: "any" });
}

function setAffinity(p: Program, when: "initial" | "final", cpus: string): void {
  p.step(`running on the CPUs ${cpus}`, {
    pointer: `/process/execCPUAffinity/${when}`,
    hints: { EINVAL: "none of them is there, or in the container's cpuset" },
  });
  const mask = new Uint32Array(MAX_CPUS / 32);
  for (const cpu of cpuList(cpus)) if (cpu < MAX_CPUS) mask[cpu >> 5]! |= 1 << (cpu & 31);
  p.emit("sched_setaffinity", [0, MAX_CPUS / 8, words([...mask], `CPUs ${cpus}`)]);
}
