/** Events as runc writes them: its keys in its order, and without the zeros that it leaves out. */

import type { BlkioEntry, CgroupStats, CpusetStats, HugetlbStats, MemoryEntry, MemoryStats } from "../cgroup/stats.ts";
import type { RdtStats } from "../rdt/stats.ts";
import type { ContainerEvent, ContainerStats } from "./events.ts";

// ECMA-262 "JSON.parse source text access"; TypeScript's library does not know it yet
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** One line of `events`, without the newline. */
export function formatEvent(event: ContainerEvent): string {
  const { type, id } = event;
  const value = event.type === "oom" ? { type, id } : { type, id, data: statsData(event.data) };
  return JSON.stringify(value, (_key, member) => typeof member === "bigint" ? rawJSON(String(member)) : member);
}

/** runc counts for interfaces that it has made itself: it makes none any more, and neither does runo. */
function statsData(stats: ContainerStats) {
  const { cpu, pids, rdma, misc } = stats;
  const { percpu, percpuKernel, percpuUser, total, kernel, user } = cpu.usage;
  return {
    cpu: {
      usage: {
        ...some({ total, percpu, percpu_kernel: percpuKernel, percpu_user: percpuUser }),
        kernel,
        user,
      },
      throttling: some({ ...cpu.throttling }),
      ...some({ psi: cpu.psi }),
    },
    cpuset: cpuset(stats.cpuset),
    memory: memory(stats.memory),
    pids: some({ ...pids }),
    blkio: blkio(stats),
    hugetlb: sorted(stats.hugetlb, hugetlb),
    intel_rdt: stats.intelRdt === undefined ? {} : intelRdt(stats.intelRdt),
    network_interfaces: null,
    ...some({ rdma, misc }),
  };
}

/** Without what is 0, empty or not there: Go's "omitempty". */
function some(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isZero = (value: unknown) =>
    value === undefined || value === 0n || value === "" || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !isZero(value)));
}

function cpuset(stats: CpusetStats) {
  return {
    ...some({ cpus: stats.cpus }),
    cpu_exclusive: stats.cpuExclusive,
    ...some({ mems: stats.mems }),
    mem_hardwall: stats.memHardwall,
    mem_exclusive: stats.memExclusive,
    memory_migrate: stats.memoryMigrate,
    memory_spread_page: stats.memorySpreadPage,
    memory_spread_slab: stats.memorySpreadSlab,
    memory_pressure: stats.memoryPressure,
    sched_load_balance: stats.schedLoadBalance,
    sched_relax_domain_level: stats.schedRelaxDomainLevel,
  };
}

function memory({ cache, usage, swap, kernel, kernelTCP, raw, psi }: MemoryStats) {
  return {
    ...some({ cache }),
    usage: memoryEntry(usage),
    swap: memoryEntry(swap),
    kernel: memoryEntry(kernel),
    kernelTCP: memoryEntry(kernelTCP),
    ...Object.keys(raw).length === 0 ? {} : { raw: sorted(raw, (value) => value) },
    ...some({ psi }),
  };
}

function memoryEntry({ limit, usage, max, failcnt }: MemoryEntry) {
  return { limit, ...some({ usage, max }), failcnt };
}

function hugetlb({ usage, max, failcnt }: HugetlbStats) {
  return { ...some({ usage, max }), failcnt };
}

function blkio({ blkio: { psi, ...tables } }: CgroupStats) {
  const lists = Object.entries(tables).map(([key, list]) => [key, list.map(blkioEntry)] as const);
  return { ...some(Object.fromEntries(lists)), ...some({ psi }) };
}

function blkioEntry({ major, minor, op, value }: BlkioEntry) {
  return some({ major, minor, op, value });
}

function intelRdt({ l3CacheInfo, memBwInfo, mbm, cmt, ...schemas }: RdtStats) {
  // the counters have no "omitempty"
  return some({
    l3_cache_info: l3CacheInfo && some({
      cbm_mask: l3CacheInfo.cbmMask,
      min_cbm_bits: l3CacheInfo.minCbmBits,
      num_closids: l3CacheInfo.numClosids,
    }),
    l3_cache_schema_root: schemas.l3CacheSchemaRoot,
    l3_cache_schema: schemas.l3CacheSchema,
    mem_bw_info: memBwInfo && some({
      bandwidth_gran: memBwInfo.bandwidthGran,
      delay_linear: memBwInfo.delayLinear,
      min_bandwidth: memBwInfo.minBandwidth,
      num_closids: memBwInfo.numClosids,
    }),
    mem_bw_schema_root: schemas.memBwSchemaRoot,
    mem_bw_schema: schemas.memBwSchema,
    schemata: schemas.schemata,
    mbm_stats: mbm?.map(({ total, local }) => ({ mbm_total_bytes: total, mbm_local_bytes: local })),
    cmt_stats: cmt?.map(({ llcOccupancy }) => ({ llc_occupancy: llcOccupancy })),
  });
}

/** By key, as Go writes maps. */
function sorted<T, R>(values: Readonly<Record<string, T>>, convert: (value: T) => R): Record<string, R> {
  const entries = Object.entries(values).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, value]) => [key, convert(value)]));
}
