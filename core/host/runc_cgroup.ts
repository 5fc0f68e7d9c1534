/** The cgroup part of runc's state.json (libcontainer's `configs.Cgroup`). Observed from runc 1.1.5. */

import { cleanPath } from "../cgroup/paths.ts";
import type { BlockIO, Cpu, Device, DeviceRule, Memory, Resources, Spec, ThrottleDevice } from "../spec/types.ts";
import type { CgroupManager } from "./options.ts";

/** One rule of the device allow list; `type` is the letter's character code, -1 stands for every number. */
export interface RuncDeviceRule {
  readonly type: number;
  readonly major: number;
  readonly minor: number;
  readonly permissions: string;
  readonly allow: boolean;
}

/** Limits under runc's names and in its units; 0 and null mean unset. runc 1.5 omits what is unset. */
export interface RuncResources {
  readonly devices?: readonly RuncDeviceRule[] | null;
  /** Bytes. */
  readonly memory?: number;
  readonly memory_reservation?: number;
  /** Memory and swap together. */
  readonly memory_swap?: number;
  readonly cpu_shares?: number;
  /** Microseconds, as all times here. */
  readonly cpu_quota?: number;
  readonly cpu_burst?: number | null;
  readonly cpu_period?: number;
  readonly cpu_rt_quota?: number;
  readonly cpu_rt_period?: number;
  readonly cpuset_cpus?: string;
  readonly cpuset_mems?: string;
  readonly cpu_idle?: number | null;
  readonly pids_limit?: number | null;
  readonly blkio_weight?: number;
  readonly blkio_leaf_weight?: number;
  readonly blkio_weight_device?: readonly RuncWeightDevice[] | null;
  readonly blkio_throttle_read_bps_device?: readonly RuncThrottleDevice[] | null;
  readonly blkio_throttle_write_bps_device?: readonly RuncThrottleDevice[] | null;
  readonly blkio_throttle_read_iops_device?: readonly RuncThrottleDevice[] | null;
  readonly blkio_throttle_write_iops_device?: readonly RuncThrottleDevice[] | null;
  readonly freezer?: string;
  readonly hugetlb_limit?: readonly { readonly page_size: string; readonly limit: number }[] | null;
  readonly oom_kill_disable?: boolean;
  readonly memory_swappiness?: number | null;
  readonly net_prio_ifpriomap?: readonly { readonly interface: string; readonly priority: number }[] | null;
  readonly net_cls_classid_u?: number;
  readonly rdma?: Readonly<Record<string, { readonly hca_handles?: number; readonly hca_objects?: number }>> | null;
  /** The value for cpu.weight of cgroup v2 that runc derives from the shares. */
  readonly cpu_weight?: number;
  readonly unified?: Readonly<Record<string, string>> | null;
  readonly memory_check_before_update?: boolean;
}

/** Where the container's cgroup is, and its limits. */
export interface RuncCgroup extends RuncResources {
  readonly name?: string;
  /** systemd: the slice. */
  readonly parent?: string;
  /** cgroupfs: `linux.cgroupsPath`. */
  readonly path?: string;
  /** systemd: the prefix of the scope's name. */
  readonly scope_prefix?: string;
  readonly Systemd?: boolean;
  readonly Rootless?: boolean;
}

export interface RuncWeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight: number;
  readonly leafWeight: number;
}

export interface RuncThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

const C = 99, B = 98, P = 112, A = 97;

/** `linux.devices[].type` (or that of a rule) as the number runc writes: the letter's code, "u" being the same as "c". */
export function deviceTypeCode(type: string): number {
  return { c: C, u: C, b: B, p: P, a: A }[type] ?? A;
}

/** The letter of a rule's type. */
export function deviceTypeName(code: number): "a" | "b" | "c" {
  return code === C ? "c" : code === B ? "b" : "a";
}

/** What every container may use. Those with a path are nodes in its /dev as well. */
export const DEFAULT_DEVICES: readonly { readonly path?: string; readonly rule: RuncDeviceRule }[] = [
  { rule: allow(C, -1, -1, "m") },
  { rule: allow(B, -1, -1, "m") },
  { path: "/dev/null", rule: allow(C, 1, 3) },
  { path: "/dev/random", rule: allow(C, 1, 8) },
  { path: "/dev/full", rule: allow(C, 1, 7) },
  { path: "/dev/tty", rule: allow(C, 5, 0) },
  { path: "/dev/zero", rule: allow(C, 1, 5) },
  { path: "/dev/urandom", rule: allow(C, 1, 9) },
  // pseudo terminals, /dev/ptmx, /dev/net/tun
  { rule: allow(C, 136, -1) },
  { rule: allow(C, 5, 2) },
  { rule: allow(C, 10, 200) },
];

function allow(type: number, major: number, minor: number, permissions = "rwm"): RuncDeviceRule {
  return { type, major, minor, permissions, allow: true };
}

/** The default devices that config.json does not name itself. */
export function defaultDevices(devices: readonly Device[]): typeof DEFAULT_DEVICES {
  return DEFAULT_DEVICES.filter(({ path }) => path === undefined || !devices.some((device) => device.path === path));
}

/** What `runcCgroup()` must know beside the spec. */
export interface RuncCgroupOptions {
  readonly id: string;
  readonly cgroupManager: CgroupManager;
  readonly rootlessCgroups: boolean;
}

/** The cgroup of a spec in runc's form. */
export function runcCgroup(spec: Spec, options: RuncCgroupOptions): RuncCgroup {
  const resources = spec.linux?.resources ?? {};
  const defaults = defaultDevices(spec.linux?.devices ?? []).map(({ rule }) => rule);
  return {
    ...place(spec.linux?.cgroupsPath ?? "", options),
    ...UNSET,
    ...runcLimits(resources),
    devices: [...(resources.devices ?? []).map(deviceRule), ...defaults],
    Systemd: options.cgroupManager === "systemd",
    Rootless: options.rootlessCgroups,
  };
}

// runc's order of keys
const UNSET: RuncResources = {
  devices: null,
  memory: 0,
  memory_reservation: 0,
  memory_swap: 0,
  cpu_shares: 0,
  cpu_quota: 0,
  cpu_period: 0,
  cpu_rt_quota: 0,
  cpu_rt_period: 0,
  cpuset_cpus: "",
  cpuset_mems: "",
  pids_limit: 0,
  blkio_weight: 0,
  blkio_leaf_weight: 0,
  blkio_weight_device: null,
  blkio_throttle_read_bps_device: null,
  blkio_throttle_write_bps_device: null,
  blkio_throttle_read_iops_device: null,
  blkio_throttle_write_iops_device: null,
  freezer: "",
  hugetlb_limit: null,
  oom_kill_disable: false,
  memory_swappiness: null,
  net_prio_ifpriomap: null,
  net_cls_classid_u: 0,
  rdma: null,
  cpu_weight: 0,
  unified: null,
};

function place(cgroupsPath: string, { id, cgroupManager }: RuncCgroupOptions): RuncCgroup {
  if (cgroupManager !== "systemd") {
    return cgroupsPath === ""
      ? { name: id, path: "", scope_prefix: "" }
      : { path: cleanPath(cgroupsPath), scope_prefix: "" };
  }
  // "slice:prefix:name"; its shape was checked with the rest of the spec
  const [slice = "", prefix = "", name = ""] = cgroupsPath === "" ? ["", "runc", id] : cgroupsPath.split(":");
  return { name, ...(slice === "" ? {} : { parent: slice }), path: "", scope_prefix: prefix };
}

function deviceRule(rule: DeviceRule): RuncDeviceRule {
  return {
    type: deviceTypeCode(rule.type ?? "a"),
    major: rule.major ?? -1,
    minor: rule.minor ?? -1,
    permissions: rule.access ?? "rwm",
    allow: rule.allow,
  };
}

/** Those limits that are named, in runc's form. */
export function runcLimits(resources: Resources): RuncResources {
  const { memory = {}, cpu = {}, pids = {}, blockIO = {}, hugepageLimits, network, rdma, unified } = resources;
  return present({
    ...memoryLimits(memory),
    ...cpuLimits(cpu),
    // 0 means 1, and would be "unset" here
    pids_limit: pids.limit === 0 ? 1 : pids.limit,
    ...blockLimits(blockIO),
    hugetlb_limit: filled(
      hugepageLimits?.map(({ pageSize, limit }) => ({ page_size: pageSize, limit })),
    ),
    net_cls_classid_u: network?.classID,
    net_prio_ifpriomap: filled(network?.priorities?.map(({ name, priority }) => ({ interface: name, priority }))),
    rdma: rdma === undefined || Object.keys(rdma).length === 0 ? undefined : Object.fromEntries(
      Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => [
        device,
        present({ hca_handles: hcaHandles, hca_objects: hcaObjects }),
      ]),
    ),
    unified: unified !== undefined && Object.keys(unified).length > 0 ? unified : undefined,
  });
}

function memoryLimits(memory: Memory) {
  return {
    memory: memory.limit,
    memory_reservation: memory.reservation,
    memory_swap: memory.swap,
    memory_swappiness: memory.swappiness,
    oom_kill_disable: memory.disableOOMKiller,
    memory_check_before_update: memory.checkBeforeUpdate,
  };
}

function cpuLimits(cpu: Cpu) {
  return {
    cpu_shares: cpu.shares,
    cpu_weight: cpu.shares === undefined ? undefined : weightOfShares(cpu.shares),
    cpu_quota: cpu.quota,
    cpu_burst: cpu.burst,
    cpu_period: cpu.period,
    cpu_rt_quota: cpu.realtimeRuntime,
    cpu_rt_period: cpu.realtimePeriod,
    cpuset_cpus: cpu.cpus,
    cpuset_mems: cpu.mems,
    cpu_idle: cpu.idle,
  };
}

// the straight line from 2..262144 to 1..10000 of runc up to 1.3.1; newer ones derive it anew from the shares
function weightOfShares(shares: number): number {
  return shares === 0 ? 0 : Math.floor(1 + (Math.max(shares, 2) - 2) * 9999 / 262142);
}

function blockLimits(block: BlockIO) {
  return {
    blkio_weight: block.weight,
    blkio_leaf_weight: block.leafWeight,
    blkio_weight_device: filled(
      block.weightDevice?.map(({ major, minor, weight, leafWeight }) => (
        { major, minor, weight: weight ?? 0, leafWeight: leafWeight ?? 0 }
      )),
    ),
    blkio_throttle_read_bps_device: throttles(block.throttleReadBpsDevice),
    blkio_throttle_write_bps_device: throttles(block.throttleWriteBpsDevice),
    blkio_throttle_read_iops_device: throttles(block.throttleReadIOPSDevice),
    blkio_throttle_write_iops_device: throttles(block.throttleWriteIOPSDevice),
  };
}

function throttles(devices: readonly ThrottleDevice[] | undefined): RuncThrottleDevice[] | undefined {
  return filled(devices?.map(({ major, minor, rate }) => ({ major, minor, rate })));
}

function filled<T>(list: T[] | undefined): T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
