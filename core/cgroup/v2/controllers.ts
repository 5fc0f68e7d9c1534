/** All controllers of cgroup v2 that have limits, in the order in which they are set. */

import type { Controller } from "../controller.ts";
import { isHugetlbSet, setHugetlbV2, statHugetlbV2 } from "../hugetlb.ts";
import { isPidsSet, setPids, statPids } from "../pids.ts";
import { isRdmaSet, setRdma, statRdma } from "../rdma.ts";
import { type CgroupStats, NO_CPUSET } from "../stats.ts";
import { isCpuSet, setCpu, statCpu } from "./cpu.ts";
import { isCpusetSet, setCpuset } from "./cpuset.ts";
import { isIoSet, setIo, statIo } from "./io.ts";
import { isMemorySet, setMemory, statMemory } from "./memory.ts";
import { statMisc } from "./misc.ts";

export const CONTROLLERS_V2: readonly Controller[] = [
  { name: "pids", isSet: isPidsSet, set: setPids },
  { name: "memory", isSet: isMemorySet, set: setMemory },
  { name: "io", isSet: isIoSet, set: setIo },
  { name: "cpu", isSet: isCpuSet, set: setCpu },
  { name: "cpuset", isSet: isCpusetSet, set: setCpuset },
  { name: "hugetlb", isSet: isHugetlbSet, set: setHugetlbV2 },
  { name: "rdma", isSet: isRdmaSet, set: setRdma },
];

/** What is used; of a controller that is not enabled everything is 0. */
export function statV2(path: string): CgroupStats {
  const rdma = statRdma(path), misc = statMisc(path);
  return {
    cpu: statCpu(path),
    cpuset: NO_CPUSET,
    memory: statMemory(path),
    pids: statPids(path),
    blkio: statIo(path),
    hugetlb: statHugetlbV2(path),
    ...rdma === undefined ? {} : { rdma },
    ...misc === undefined ? {} : { misc },
  };
}
