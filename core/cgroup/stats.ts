/** What a container uses, in the units and under the names of runc's `events`. Counters have 64 bits: bigint. */

/** Everything. */
export interface CgroupStats {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: PidsStats;
  readonly blkio: BlkioStats;
  /** By the size of page: "2MB". */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  /** Absent without RDMA devices. */
  readonly rdma?: RdmaStats;
  /** By the resource of the misc controller; absent without. */
  readonly misc?: Readonly<Record<string, MiscStats>>;
}

export interface CpuStats {
  readonly usage: CpuUsage;
  readonly throttling: ThrottlingStats;
  readonly psi?: PressureStats;
}

/** Nanoseconds. */
export interface CpuUsage {
  readonly total: bigint;
  /** v1 alone; empty otherwise. */
  readonly percpu: readonly bigint[];
  readonly percpuKernel: readonly bigint[];
  readonly percpuUser: readonly bigint[];
  readonly kernel: bigint;
  readonly user: bigint;
}

export interface ThrottlingStats {
  readonly periods: bigint;
  readonly throttledPeriods: bigint;
  /** Nanoseconds. */
  readonly throttledTime: bigint;
}

/** v1 alone. */
export interface CpusetStats {
  readonly cpus: readonly number[];
  readonly cpuExclusive: bigint;
  readonly mems: readonly number[];
  readonly memHardwall: bigint;
  readonly memExclusive: bigint;
  readonly memoryMigrate: bigint;
  readonly memorySpreadPage: bigint;
  readonly memorySpreadSlab: bigint;
  readonly memoryPressure: bigint;
  readonly schedLoadBalance: bigint;
  readonly schedRelaxDomainLevel: bigint;
}

/** Bytes. */
export interface MemoryStats {
  readonly cache: bigint;
  readonly usage: MemoryEntry;
  /** Memory and swap together. */
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  /** The kernel's memory.stat. */
  readonly raw: Readonly<Record<string, bigint>>;
  readonly psi?: PressureStats;
}

export interface MemoryEntry {
  /** 2^64-1 (v2), or the largest that the kernel knows (v1), without limit. */
  readonly limit: bigint;
  readonly usage: bigint;
  /** The most that was ever used; 0 when the kernel does not tell. */
  readonly max: bigint;
  /** How often the limit was hit; v1 alone. */
  readonly failcnt: bigint;
}

export interface PidsStats {
  readonly current: bigint;
  /** 0 without limit. */
  readonly limit: bigint;
}

export interface BlkioStats {
  readonly ioServiceBytesRecursive: readonly BlkioEntry[];
  readonly ioServicedRecursive: readonly BlkioEntry[];
  readonly ioQueueRecursive: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive: readonly BlkioEntry[];
  readonly ioMergedRecursive: readonly BlkioEntry[];
  readonly ioTimeRecursive: readonly BlkioEntry[];
  readonly sectorsRecursive: readonly BlkioEntry[];
  readonly psi?: PressureStats;
}

export interface BlkioEntry {
  readonly major: bigint;
  readonly minor: bigint;
  /** "Read", "Write" ...; "" for a total. */
  readonly op: string;
  readonly value: bigint;
}

export interface HugetlbStats {
  readonly usage: bigint;
  /** v1 alone. */
  readonly max: bigint;
  readonly failcnt: bigint;
}

export interface RdmaStats {
  readonly limit: readonly RdmaEntry[];
  readonly current: readonly RdmaEntry[];
}

export interface RdmaEntry {
  readonly device: string;
  readonly hcaHandles: bigint;
  readonly hcaObjects: bigint;
}

export interface MiscStats {
  readonly usage: bigint;
  /** How often the limit was hit. */
  readonly events: bigint;
}

/** Pressure stall information. Kernel: accounting/psi.rst */
export interface PressureStats {
  readonly some: Pressure;
  readonly full: Pressure;
}

/** Averages are percents. */
export interface Pressure {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds. */
  readonly total: bigint;
}

export const NO_CPU_USAGE: CpuUsage = {
  total: 0n,
  percpu: [],
  percpuKernel: [],
  percpuUser: [],
  kernel: 0n,
  user: 0n,
};

export const NO_THROTTLING: ThrottlingStats = { periods: 0n, throttledPeriods: 0n, throttledTime: 0n };

export const NO_CPUSET: CpusetStats = {
  cpus: [],
  cpuExclusive: 0n,
  mems: [],
  memHardwall: 0n,
  memExclusive: 0n,
  memoryMigrate: 0n,
  memorySpreadPage: 0n,
  memorySpreadSlab: 0n,
  memoryPressure: 0n,
  schedLoadBalance: 0n,
  schedRelaxDomainLevel: 0n,
};

export const NO_MEMORY_ENTRY: MemoryEntry = { limit: 0n, usage: 0n, max: 0n, failcnt: 0n };

export const NO_MEMORY: MemoryStats = {
  cache: 0n,
  usage: NO_MEMORY_ENTRY,
  swap: NO_MEMORY_ENTRY,
  kernel: NO_MEMORY_ENTRY,
  kernelTCP: NO_MEMORY_ENTRY,
  raw: {},
};

export const NO_BLKIO: BlkioStats = {
  ioServiceBytesRecursive: [],
  ioServicedRecursive: [],
  ioQueueRecursive: [],
  ioServiceTimeRecursive: [],
  ioWaitTimeRecursive: [],
  ioMergedRecursive: [],
  ioTimeRecursive: [],
  sectorsRecursive: [],
};

export const NO_PIDS: PidsStats = { current: 0n, limit: 0n };
