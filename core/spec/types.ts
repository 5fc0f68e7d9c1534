/**
 * `config.json` as TypeScript: OCI runtime-spec 1.3 for Linux, with the exact JSON names.
 * Absent things are absent keys; `parseSpec()` drops JSON nulls, and empty texts where they mean "absent". Units are the specification's.
 * Source: https://github.com/opencontainers/runtime-spec, specs-go/config.go.
 */

/** The whole of `config.json`. */
export interface Spec {
  /** SemVer 2.0 of the specification that the bundle was written for. */
  readonly ociVersion: string;
  readonly process?: Process;
  readonly root?: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
}

/** What is run, and as whom. */
export interface Process {
  readonly terminal?: boolean;
  readonly consoleSize?: Box;
  /** Absent: root, as in runc. */
  readonly user?: User;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Absolute, inside the container. */
  readonly cwd: string;
  readonly capabilities?: Capabilities;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  /** -1000 to 1000; absent leaves the inherited value alone. */
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly selinuxLabel?: string;
  readonly ioPriority?: IOPriority;
  readonly execCPUAffinity?: ExecCPUAffinity;
}

/** A terminal in characters. */
export interface Box {
  readonly height: number;
  readonly width: number;
}

/** Numeric ids inside the container. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
  readonly username?: string;
}

/** The five sets, each a list of names such as "CAP_KILL". */
export interface Capabilities {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
}

/**
 * An unsigned 64-bit number whose every bit matters. `parseSpec()` gives a number up to 2^53-1 and decimal text above
 * it (RLIM_INFINITY is "18446744073709551615"), so JSON can carry both; read it with `BigInt(x)`.
 */
export type Uint64 = number | string;

/** One setrlimit(2). */
export interface Rlimit {
  readonly type: string;
  readonly hard: Uint64;
  readonly soft: Uint64;
}

/** sched_setattr(2). */
export interface Scheduler {
  readonly policy: SchedulerPolicy;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly SchedulerFlag[];
  /** Nanoseconds, as the next two. */
  readonly runtime?: number;
  readonly deadline?: number;
  readonly period?: number;
}

export type SchedulerPolicy = `SCHED_${"OTHER" | "FIFO" | "RR" | "BATCH" | "ISO" | "IDLE" | "DEADLINE"}`;

export type SchedulerFlag =
  | `SCHED_FLAG_${"RESET_ON_FORK" | "RECLAIM" | "DL_OVERRUN" | "KEEP_POLICY" | "KEEP_PARAMS"}`
  | `SCHED_FLAG_${"UTIL_CLAMP_MIN" | "UTIL_CLAMP_MAX"}`;

/** ioprio_set(2). */
export interface IOPriority {
  readonly class: IOPriorityClass;
  readonly priority: number;
}

export type IOPriorityClass = `IOPRIO_CLASS_${"RT" | "BE" | "IDLE"}`;

/** CPU lists ("0-3,7") for `exec`, before and after it enters the container's cgroup. */
export interface ExecCPUAffinity {
  readonly initial?: string;
  readonly final?: string;
}

/** The root file system. */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean;
}

/** One mount, made in the order of the list. */
export interface Mount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** A program run at one point of the life cycle. */
export interface Hook {
  readonly path: string;
  /** argv, the name included. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds, above zero. */
  readonly timeout?: number;
}

/** The six phases. */
export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

/** The name of one phase. */
export type HookPhase = keyof Hooks;

/** What only Linux has. */
export interface Linux {
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly resources?: Resources;
  readonly cgroupsPath?: string;
  readonly namespaces?: readonly Namespace[];
  readonly devices?: readonly Device[];
  /** By the host's name of the device. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>;
  readonly seccomp?: Seccomp;
  readonly rootfsPropagation?: RootfsPropagation;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly intelRdt?: IntelRdt;
  readonly memoryPolicy?: MemoryPolicy;
  readonly personality?: Personality;
  readonly timeOffsets?: TimeOffsets;
}

export type RootfsPropagation = `${"" | "r"}${"shared" | "slave" | "private" | "unbindable"}`;

/** One line of uid_map or gid_map. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export type NamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

/** A new namespace, or an existing one to join when `path` is there. */
export interface Namespace {
  readonly type: NamespaceType;
  readonly path?: string;
}

/** A device node to make. */
export interface Device {
  readonly path: string;
  readonly type: DeviceType;
  readonly major?: number;
  readonly minor?: number;
  /** Permission bits as a number, not octal text. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Character, the same unbuffered, block, FIFO. */
export type DeviceType = "c" | "u" | "b" | "p";

/** A host network device moved into the container's network namespace. */
export interface NetDevice {
  /** The name inside; absent keeps the host's. */
  readonly name?: string;
}

/** Offsets of the two clocks of a time namespace. */
export interface TimeOffsets {
  readonly monotonic?: TimeOffset;
  readonly boottime?: TimeOffset;
}

export interface TimeOffset {
  readonly secs?: number;
  readonly nanosecs?: number;
}

/** set_mempolicy(2); nodes are a list such as "0-1,3". */
export interface MemoryPolicy {
  readonly mode: MemoryPolicyMode;
  readonly nodes?: string;
  readonly flags?: readonly MemoryPolicyFlag[];
}

export type MemoryPolicyMode =
  | `MPOL_${"DEFAULT" | "BIND" | "INTERLEAVE" | "WEIGHTED_INTERLEAVE"}`
  | `MPOL_${"PREFERRED" | "PREFERRED_MANY" | "LOCAL"}`;

export type MemoryPolicyFlag = `MPOL_F_${"NUMA_BALANCING" | "RELATIVE_NODES" | "STATIC_NODES"}`;

/** personality(2). */
export interface Personality {
  readonly domain: "LINUX" | "LINUX32";
  readonly flags?: readonly string[];
}

/** Intel RDT through resctrl. */
export interface IntelRdt {
  readonly closID?: string;
  readonly schemata?: readonly string[];
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
  /** This and the next are of specification 1.2: the same wish as `enableMonitoring`. */
  readonly enableCMT?: boolean;
  readonly enableMBM?: boolean;
}

/** What goes into cgroups. */
export interface Resources {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: Memory;
  readonly cpu?: Cpu;
  /** -1 is without limit. */
  readonly pids?: { readonly limit?: number };
  readonly blockIO?: BlockIO;
  readonly hugepageLimits?: readonly HugepageLimit[];
  readonly network?: Network;
  /** By the name of the RDMA device. */
  readonly rdma?: Readonly<Record<string, Rdma>>;
  /** Files of cgroup v2 and what to write to them. */
  readonly unified?: Readonly<Record<string, string>>;
}

/** One rule of the device allow list; absent type or numbers mean all. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type?: DeviceRuleType;
  readonly major?: number;
  readonly minor?: number;
  /** Letters of "rwm". */
  readonly access?: string;
}

export type DeviceRuleType = "a" | "b" | "c";

/** Bytes; -1 is without limit. */
export interface Memory {
  readonly limit?: number;
  readonly reservation?: number;
  /** Memory and swap together. */
  readonly swap?: number;
  readonly kernel?: number;
  readonly kernelTCP?: number;
  /** 0 to 100. */
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  readonly checkBeforeUpdate?: boolean;
}

/** Times in microseconds. */
export interface Cpu {
  readonly shares?: number;
  readonly quota?: number;
  readonly burst?: number;
  readonly period?: number;
  readonly realtimeRuntime?: number;
  readonly realtimePeriod?: number;
  readonly cpus?: string;
  readonly mems?: string;
  readonly idle?: number;
}

export interface BlockIO {
  /** 10 to 1000. */
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly WeightDevice[];
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[];
}

/** The numbers of a block device. */
export interface BlockDevice {
  readonly major: number;
  readonly minor: number;
}

export interface WeightDevice extends BlockDevice {
  readonly weight?: number;
  readonly leafWeight?: number;
}

export interface ThrottleDevice extends BlockDevice {
  readonly rate: number;
}

export interface HugepageLimit {
  /** "2MB", "1GB" ... */
  readonly pageSize: string;
  /** Bytes. */
  readonly limit: number;
}

export interface Network {
  readonly classID?: number;
  readonly priorities?: readonly InterfacePriority[];
}

export interface InterfacePriority {
  readonly name: string;
  readonly priority: number;
}

export interface Rdma {
  readonly hcaHandles?: number;
  readonly hcaObjects?: number;
}

/** A seccomp profile, compiled by libseccomp. */
export interface Seccomp {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly SeccompArch[];
  readonly flags?: readonly SeccompFlag[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompSyscall[];
}

export interface SeccompSyscall {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArg[];
}

export interface SeccompArg {
  /** 0 to 5. */
  readonly index: number;
  readonly value: Uint64;
  readonly valueTwo?: Uint64;
  readonly op: SeccompOperator;
}

export type SeccompAction =
  | `SCMP_ACT_${"KILL" | "KILL_PROCESS" | "KILL_THREAD" | "TRAP" | "ERRNO" | "TRACE"}`
  | `SCMP_ACT_${"ALLOW" | "LOG" | "NOTIFY"}`;

export type SeccompOperator = `SCMP_CMP_${"NE" | "LT" | "LE" | "EQ" | "GE" | "GT" | "MASKED_EQ"}`;

export type SeccompFlag = `SECCOMP_FILTER_FLAG_${"TSYNC" | "LOG" | "SPEC_ALLOW" | "WAIT_KILLABLE_RECV"}`;

export type SeccompArch =
  | `SCMP_ARCH_${"X86" | "X86_64" | "X32" | "ARM" | "AARCH64" | "S390" | "S390X"}`
  | `SCMP_ARCH_${"RISCV64" | "LOONGARCH64" | "M68K" | "SH" | "SHEB"}`
  | `SCMP_ARCH_${"MIPS" | "MIPS64" | "MIPS64N32" | "MIPSEL" | "MIPSEL64" | "MIPSEL64N32"}`
  | `SCMP_ARCH_${"PPC" | "PPC64" | "PPC64LE" | "PARISC" | "PARISC64"}`;
