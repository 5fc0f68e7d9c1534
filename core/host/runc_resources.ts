/** Limits out of runc's state.json, as config.json has them; and what `update` makes of them. */

import type { BlockIO, Resources, ThrottleDevice, WeightDevice } from "../spec/types.ts";
import { type RuncCgroup, runcLimits, type RuncResources, type RuncWeightDevice } from "./runc_cgroup.ts";

/** The limits, devices excepted. What is unset there is absent here. */
export function resourcesOf(cgroup: RuncResources): Resources {
  const { hugetlb_limit, rdma, unified, pids_limit } = cgroup;
  return {
    memory: set({
      limit: cgroup.memory,
      reservation: cgroup.memory_reservation,
      swap: cgroup.memory_swap,
      swappiness: cgroup.memory_swappiness ?? undefined,
      disableOOMKiller: cgroup.oom_kill_disable,
      checkBeforeUpdate: cgroup.memory_check_before_update,
    }),
    cpu: {
      ...set({
        shares: cgroup.cpu_shares,
        quota: cgroup.cpu_quota,
        period: cgroup.cpu_period,
        realtimeRuntime: cgroup.cpu_rt_quota,
        realtimePeriod: cgroup.cpu_rt_period,
        cpus: cgroup.cpuset_cpus,
        mems: cgroup.cpuset_mems,
      }),
      // here 0 is a value
      ...typeof cgroup.cpu_burst === "number" ? { burst: cgroup.cpu_burst } : {},
      ...typeof cgroup.cpu_idle === "number" ? { idle: cgroup.cpu_idle } : {},
    },
    // runc up to 1.3 writes 0 for "unset"
    pids: set({ limit: pids_limit ?? undefined }),
    blockIO: blockIO(cgroup),
    hugepageLimits: (hugetlb_limit ?? []).map(({ page_size, limit }) => ({ pageSize: page_size, limit })),
    network: {
      ...set({ classID: cgroup.net_cls_classid_u }),
      priorities: (cgroup.net_prio_ifpriomap ?? []).map((entry) => ({
        name: entry.interface,
        priority: entry.priority,
      })),
    },
    rdma: Object.fromEntries(
      Object.entries(rdma ?? {}).map(([device, { hca_handles, hca_objects }]) => [
        device,
        {
          ...hca_handles === undefined ? {} : { hcaHandles: hca_handles },
          ...hca_objects === undefined ? {} : { hcaObjects: hca_objects },
        },
      ]),
    ),
    ...unified === undefined || unified === null ? {} : { unified },
  };
}

function blockIO(cgroup: RuncResources): BlockIO {
  return {
    ...set({ weight: cgroup.blkio_weight, leafWeight: cgroup.blkio_leaf_weight }),
    weightDevice: cgroup.blkio_weight_device ?? [],
    throttleReadBpsDevice: cgroup.blkio_throttle_read_bps_device ?? [],
    throttleWriteBpsDevice: cgroup.blkio_throttle_write_bps_device ?? [],
    throttleReadIOPSDevice: cgroup.blkio_throttle_read_iops_device ?? [],
    throttleWriteIOPSDevice: cgroup.blkio_throttle_write_iops_device ?? [],
  };
}

type Set<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what runc's state.json has for "unset": 0, false and "". */
function set<T extends object>(values: T): Set<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as Set<T>;
}

/** The cgroup with those limits changed that `resources` names; devices stay as they are, as in `runc update`. */
export function updatedCgroup(cgroup: RuncCgroup, resources: Resources): RuncCgroup {
  const { blockIO = {} } = resources;
  const limits = runcLimits(resources);
  return { ...cgroup, ...limits, ...updatedDevices(cgroup, blockIO), ...updatedEntries(cgroup, limits) };
}

/** Limits of single sizes of pages, network interfaces, RDMA devices and files are added to those of the others. */
function updatedEntries(cgroup: RuncCgroup, limits: RuncResources): Partial<RuncResources> {
  const { hugetlb_limit, net_prio_ifpriomap, rdma, unified } = limits;
  return {
    ...hugetlb_limit ? { hugetlb_limit: withEntries(cgroup.hugetlb_limit, hugetlb_limit, "page_size") } : {},
    ...net_prio_ifpriomap
      ? { net_prio_ifpriomap: withEntries(cgroup.net_prio_ifpriomap, net_prio_ifpriomap, "interface") }
      : {},
    ...rdma ? { rdma: { ...cgroup.rdma, ...mergedValues(cgroup.rdma ?? {}, rdma) } } : {},
    ...unified ? { unified: { ...cgroup.unified, ...unified } } : {},
  };
}

function withEntries<T>(old: readonly T[] | null | undefined, added: readonly T[], key: keyof T): readonly T[] {
  const kept = (old ?? []).filter((entry) => added.every((other) => other[key] !== entry[key]));
  return [...kept, ...added];
}

/** Of the two numbers of a device the one that is not given stays. */
function mergedValues<T>(old: Readonly<Record<string, T>>, added: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(added).map(([name, value]) => [name, { ...old[name], ...value }]));
}

/** Limits of single block devices are added to those of the others. */
function updatedDevices(cgroup: RuncCgroup, block: BlockIO): Partial<RuncResources> {
  const throttles = (key: ThrottleKey, devices: readonly ThrottleDevice[] | undefined) =>
    devices === undefined || devices.length === 0 ? {} : { [key]: devices.reduce(withThrottle, cgroup[key] ?? []) };
  const { weightDevice = [] } = block;
  return {
    ...weightDevice.length === 0
      ? {}
      : { blkio_weight_device: weightDevice.reduce(withWeight, cgroup.blkio_weight_device ?? []) },
    ...throttles("blkio_throttle_read_bps_device", block.throttleReadBpsDevice),
    ...throttles("blkio_throttle_write_bps_device", block.throttleWriteBpsDevice),
    ...throttles("blkio_throttle_read_iops_device", block.throttleReadIOPSDevice),
    ...throttles("blkio_throttle_write_iops_device", block.throttleWriteIOPSDevice),
  };
}

type ThrottleKey = `blkio_throttle_${"read" | "write"}_${"bps" | "iops"}_device`;

function withThrottle(
  list: readonly ThrottleDevice[],
  { major, minor, rate }: ThrottleDevice,
): readonly ThrottleDevice[] {
  return [...list.filter((device) => device.major !== major || device.minor !== minor), { major, minor, rate }];
}

/** Of the two weights the one that is not given stays. */
function withWeight(list: readonly RuncWeightDevice[], device: WeightDevice): readonly RuncWeightDevice[] {
  const { major, minor } = device;
  const is = (entry: RuncWeightDevice) => entry.major === major && entry.minor === minor;
  const old = list.find(is) ?? { weight: 0, leafWeight: 0 };
  const { weight = old.weight, leafWeight = old.leafWeight } = device;
  return [...list.filter((entry) => !is(entry)), { major, minor, weight, leafWeight }];
}
