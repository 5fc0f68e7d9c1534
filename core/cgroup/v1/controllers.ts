/** All controllers of cgroup v1 that have limits, in the order in which they are set. */

import type { Controller } from "../controller.ts";
import { isHugetlbSet, setHugetlbV1, statHugetlbV1 } from "../hugetlb.ts";
import { isPidsSet, setPids, statPids } from "../pids.ts";
import { isRdmaSet, setRdma, statRdma } from "../rdma.ts";
import { type CgroupStats, NO_BLKIO, NO_CPU_USAGE, NO_CPUSET, NO_MEMORY, NO_PIDS, NO_THROTTLING } from "../stats.ts";
import { isBlkioSet, setBlkio, statBlkio } from "./blkio.ts";
import { isCpuSet, setCpu, statCpu } from "./cpu.ts";
import { statCpuacct } from "./cpuacct.ts";
import { isCpusetSet, setCpuset, statCpuset } from "./cpuset.ts";
import { isMemorySet, setMemory, statMemory } from "./memory.ts";
import { isNetClsSet, isNetPrioSet, setNetCls, setNetPrio } from "./network.ts";

export const CONTROLLERS_V1: readonly Controller[] = [
  { name: "cpuset", isSet: isCpusetSet, set: setCpuset },
  { name: "memory", isSet: isMemorySet, set: setMemory },
  { name: "cpu", isSet: isCpuSet, set: setCpu },
  { name: "pids", isSet: isPidsSet, set: setPids },
  { name: "blkio", isSet: isBlkioSet, set: setBlkio },
  { name: "hugetlb", isSet: isHugetlbSet, set: setHugetlbV1 },
  { name: "net_cls", isSet: isNetClsSet, set: setNetCls },
  { name: "net_prio", isSet: isNetPrioSet, set: setNetPrio },
  { name: "rdma", isSet: isRdmaSet, set: setRdma },
];

/** What is used; of a controller that is not there everything is 0. */
export function statV1(paths: Readonly<Record<string, string>>): CgroupStats {
  const of = <T>(controller: string, stat: (path: string) => T, none: T) => {
    const path = paths[controller];
    return path === undefined ? none : stat(path);
  };
  const rdma = of("rdma", statRdma, undefined);
  return {
    cpu: { usage: of("cpuacct", statCpuacct, NO_CPU_USAGE), throttling: of("cpu", statCpu, NO_THROTTLING) },
    cpuset: of("cpuset", statCpuset, NO_CPUSET),
    memory: of("memory", statMemory, NO_MEMORY),
    pids: of("pids", statPids, NO_PIDS),
    blkio: of("blkio", statBlkio, NO_BLKIO),
    hugetlb: of("hugetlb", statHugetlbV1, {}),
    ...rdma === undefined ? {} : { rdma },
  };
}
