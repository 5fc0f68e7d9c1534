// The expected values are what runc 1.1.5 wrote into state.json for the same config.json.
import { assertEquals } from "@std/assert";
import { runcCgroup, type RuncCgroupOptions, runcLimits } from "../../../../core/host/runc_cgroup.ts";
import { updatedCgroup } from "../../../../core/host/runc_resources.ts";

const OPTIONS: RuncCgroupOptions = { id: "c1", cgroupManager: "cgroupfs", rootlessCgroups: false };

function rule(type: number, major: number, minor: number, permissions = "rwm", allow = true) {
  return { type, major, minor, permissions, allow };
}

const DEFAULT_RULES = [
  rule(99, -1, -1, "m"),
  rule(98, -1, -1, "m"),
  rule(99, 1, 3),
  rule(99, 1, 8),
  rule(99, 1, 7),
  rule(99, 5, 0),
  rule(99, 1, 5),
  rule(99, 1, 9),
  rule(99, 136, -1),
  rule(99, 5, 2),
  rule(99, 10, 200),
];

const NO_LIMITS = {
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

Deno.test("runcCgroup() writes all keys that runc writes, in its order", () => {
  const devices = [{ allow: false }, { allow: true, type: "c", major: 1, access: "r" }] as const;
  const cgroup = runcCgroup({ ociVersion: "1.0.2", linux: { resources: { devices } } }, OPTIONS);
  assertEquals(
    JSON.stringify(cgroup),
    JSON.stringify({
      name: "c1",
      path: "",
      scope_prefix: "",
      devices: [rule(97, -1, -1, "rwm", false), rule(99, 1, -1, "r"), ...DEFAULT_RULES],
      ...NO_LIMITS,
      Systemd: false,
      Rootless: false,
    }),
  );
});

Deno.test("runcCgroup() writes every limit", () => {
  const device = { major: 7, minor: 0 };
  const cgroup = runcCgroup({
    ociVersion: "1.0.2",
    linux: {
      cgroupsPath: "/st/foo/../bar/",
      resources: {
        memory: { limit: 67108864, reservation: 33554432, swap: -1, disableOOMKiller: true, swappiness: 10 },
        cpu: { shares: 512, quota: -1, period: 100000, realtimeRuntime: 5, realtimePeriod: 7, cpus: "0", mems: "0" },
        pids: { limit: -1 },
        blockIO: {
          weight: 100,
          leafWeight: 50,
          weightDevice: [{ ...device, weight: 200 }],
          throttleReadBpsDevice: [{ ...device, rate: 1000 }],
          throttleWriteIOPSDevice: [{ ...device, rate: 1003 }],
        },
        hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
        network: { classID: 1048577, priorities: [{ name: "lo", priority: 1 }] },
        rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, x: { hcaHandles: 1 } },
        unified: { "pids.max": "10" },
      },
    },
  }, OPTIONS);
  assertEquals(cgroup, {
    path: "/st/bar",
    scope_prefix: "",
    ...NO_LIMITS,
    devices: DEFAULT_RULES,
    memory: 67108864,
    memory_reservation: 33554432,
    memory_swap: -1,
    memory_swappiness: 10,
    oom_kill_disable: true,
    cpu_shares: 512,
    cpu_weight: 20,
    cpu_quota: -1,
    cpu_period: 100000,
    cpu_rt_quota: 5,
    cpu_rt_period: 7,
    cpuset_cpus: "0",
    cpuset_mems: "0",
    pids_limit: -1,
    blkio_weight: 100,
    blkio_leaf_weight: 50,
    blkio_weight_device: [{ ...device, weight: 200, leafWeight: 0 }],
    blkio_throttle_read_bps_device: [{ ...device, rate: 1000 }],
    blkio_throttle_write_iops_device: [{ ...device, rate: 1003 }],
    hugetlb_limit: [{ page_size: "2MB", limit: 4194304 }],
    net_cls_classid_u: 1048577,
    net_prio_ifpriomap: [{ interface: "lo", priority: 1 }],
    rdma: { mlx5_1: { hca_handles: 3, hca_objects: 10000 }, x: { hca_handles: 1 } },
    unified: { "pids.max": "10" },
    Systemd: false,
    Rootless: false,
  });
});

Deno.test("runcLimits() has a limit of 0 processes as what it means: 0 would be none", () => {
  assertEquals([0, 1, -1].map((limit) => runcLimits({ pids: { limit } }).pids_limit), [1, 1, -1]);
});

Deno.test("runcCgroup() places cgroups as the driver names them", () => {
  const place = (cgroupsPath: string | undefined, cgroupManager: "cgroupfs" | "systemd") => {
    const linux = cgroupsPath === undefined ? {} : { cgroupsPath };
    const { name, parent, path, scope_prefix, Systemd } = runcCgroup({ ociVersion: "1.0.2", linux }, {
      ...OPTIONS,
      cgroupManager,
    });
    return [name, parent, path, scope_prefix, Systemd];
  };
  assertEquals(place("../rel/x", "cgroupfs"), [undefined, undefined, "rel/x", "", false]);
  assertEquals(place(undefined, "systemd"), ["c1", undefined, "", "runc", true]);
  assertEquals(place("system.slice:docker:abc", "systemd"), ["abc", "system.slice", "", "docker", true]);
});

Deno.test("updatedCgroup() changes only the limits that are named", () => {
  const resources = { memory: { limit: 1 << 20 }, cpu: { shares: 4 } };
  const cgroup = runcCgroup({ ociVersion: "1.0.2", linux: { resources } }, OPTIONS);
  const updated = updatedCgroup(cgroup, { memory: { limit: 1 << 26 }, pids: {} });
  assertEquals(updated, { ...cgroup, memory: 1 << 26 });
});
