/** The cpuset controller of cgroup v2. Kernel: admin-guide/cgroup-v2.rst, "Cpuset" */

import type { Resources } from "../../spec/types.ts";
import { type Target, writeLimit } from "../target.ts";

const HINTS = { ERANGE: "there is no such CPU or memory node", EINVAL: "no such CPU or memory node is online" };

export function isCpusetSet({ cpu = {} }: Resources): boolean {
  return (cpu.cpus ?? "") !== "" || (cpu.mems ?? "") !== "";
}

export function setCpuset(target: Target, { cpu = {} }: Resources): void {
  if (cpu.cpus) writeLimit(target, "cpuset.cpus", cpu.cpus, { hints: HINTS });
  if (cpu.mems) writeLimit(target, "cpuset.mems", cpu.mems, { hints: HINTS });
}
