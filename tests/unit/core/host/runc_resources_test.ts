import { assertEquals } from "@std/assert";
import { runcCgroup } from "../../../../core/host/runc_cgroup.ts";
import { resourcesOf, updatedCgroup } from "../../../../core/host/runc_resources.ts";
import type { Resources } from "../../../../core/spec/types.ts";

const DEVICE = { major: 8, minor: 0 };

const RESOURCES: Resources = {
  memory: { limit: 1 << 26, reservation: 1 << 25, swap: -1, swappiness: 10, disableOOMKiller: true },
  cpu: { shares: 512, quota: -1, period: 100000, realtimeRuntime: 5, realtimePeriod: 7, cpus: "0", mems: "0", idle: 0 },
  pids: { limit: 7 },
  blockIO: {
    weight: 100,
    leafWeight: 50,
    weightDevice: [{ ...DEVICE, weight: 200, leafWeight: 0 }],
    throttleReadBpsDevice: [{ ...DEVICE, rate: 1000 }],
    throttleWriteBpsDevice: [],
    throttleReadIOPSDevice: [],
    throttleWriteIOPSDevice: [],
  },
  hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
  network: { classID: 1048577, priorities: [{ name: "lo", priority: 1 }] },
  rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, x: { hcaHandles: 1 } },
  unified: { "pids.max": "10" },
};

function recorded(resources: Resources) {
  const options = { id: "c", cgroupManager: "cgroupfs", rootlessCgroups: false } as const;
  return runcCgroup({ ociVersion: "1.0.2", linux: { resources } }, options);
}

Deno.test("resourcesOf() gets back what runcCgroup() was given", () => {
  assertEquals(resourcesOf(recorded(RESOURCES)), RESOURCES);
});

Deno.test("resourcesOf() takes runc's zeros for unset", () => {
  assertEquals(resourcesOf(recorded({})), {
    memory: {},
    cpu: {},
    pids: {},
    blockIO: {
      weightDevice: [],
      throttleReadBpsDevice: [],
      throttleWriteBpsDevice: [],
      throttleReadIOPSDevice: [],
      throttleWriteIOPSDevice: [],
    },
    hugepageLimits: [],
    network: { priorities: [] },
    rdma: {},
  });
});

Deno.test("updatedCgroup() puts a block device among the others, or in its own place", () => {
  const before = recorded(RESOURCES), other = { major: 8, minor: 16 };
  const after = updatedCgroup(before, {
    blockIO: {
      weightDevice: [{ ...DEVICE, leafWeight: 70 }],
      throttleReadBpsDevice: [{ ...other, rate: 5 }, { ...DEVICE, rate: 6 }],
    },
  });
  assertEquals(after, {
    ...before,
    blkio_weight_device: [{ ...DEVICE, weight: 200, leafWeight: 70 }],
    blkio_throttle_read_bps_device: [{ ...other, rate: 5 }, { ...DEVICE, rate: 6 }],
  });
});

Deno.test("updatedCgroup() keeps the limits of other pages, interfaces, RDMA devices and files", () => {
  const before = recorded(RESOURCES);
  const after = updatedCgroup(before, {
    hugepageLimits: [{ pageSize: "1GB", limit: 5 }, { pageSize: "2MB", limit: 6 }],
    network: { priorities: [{ name: "eth0", priority: 2 }] },
    rdma: { mlx5_1: { hcaHandles: 4 } },
    unified: { "memory.high": "7" },
  });
  assertEquals(after, {
    ...before,
    hugetlb_limit: [{ page_size: "1GB", limit: 5 }, { page_size: "2MB", limit: 6 }],
    net_prio_ifpriomap: [{ interface: "lo", priority: 1 }, { interface: "eth0", priority: 2 }],
    rdma: { mlx5_1: { hca_handles: 4, hca_objects: 10000 }, x: { hca_handles: 1 } },
    unified: { "pids.max": "10", "memory.high": "7" },
  });
});
