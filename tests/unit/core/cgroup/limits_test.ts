import { assertEquals, assertThrows } from "@std/assert";
import { checkLimits, setLimits, wantedControllers } from "../../../../core/cgroup/limits.ts";
import { type Undo, undoAll } from "../../../../core/cgroup/target.ts";
import { RunoError } from "../../../../core/error.ts";
import type { Resources } from "../../../../core/spec/types.ts";
import { empty, withTree } from "./tree.ts";

const DEVICE = { major: 8, minor: 0 };

const EVERYTHING: Resources = {
  memory: { limit: 64 << 20, reservation: 32 << 20, swap: 128 << 20, swappiness: 10, disableOOMKiller: true },
  cpu: {
    shares: 512,
    quota: 50000,
    period: 100000,
    burst: 1000,
    realtimeRuntime: 5000,
    realtimePeriod: 10000,
    cpus: "0",
    mems: "0",
  },
  pids: { limit: 0 },
  blockIO: {
    weight: 500,
    weightDevice: [{ ...DEVICE, weight: 300 }],
    throttleReadBpsDevice: [{ ...DEVICE, rate: 1000 }],
    throttleWriteIOPSDevice: [{ ...DEVICE, rate: 7 }],
  },
  hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
  rdma: { mlx5_1: { hcaHandles: 3 } },
};

const V1 = {
  ...empty("memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "memory/memory.soft_limit_in_bytes"),
  ...empty("memory/memory.swappiness", "memory/memory.oom_control", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
  ...empty("cpu/cpu.cfs_burst_us", "cpu/cpu.rt_runtime_us", "cpu/cpu.rt_period_us", "cpu/cpu.shares"),
  ...empty(
    "cpuset/cpuset.cpus",
    "cpuset/cpuset.mems",
    "pids/pids.max",
    "net/net_cls.classid",
    "net/net_prio.ifpriomap",
  ),
  ...empty("blkio/blkio.bfq.weight", "blkio/blkio.bfq.weight_device", "blkio/blkio.throttle.read_bps_device"),
  ...empty("blkio/blkio.throttle.write_iops_device", "hugetlb/hugetlb.2MB.limit_in_bytes", "rdma/rdma.max"),
};

const V1_CONTROLLERS = ["memory", "cpu", "cpuset", "pids", "blkio", "hugetlb", "rdma"];

function v1Paths(path: string): Record<string, string> {
  const own = V1_CONTROLLERS.map((name) => [name, `${path}/${name}`] as const);
  return { ...Object.fromEntries(own), net_cls: `${path}/net`, net_prio: `${path}/net`, devices: `${path}/devices` };
}

Deno.test("setLimits() writes every file of v1", () => {
  withTree({ ...V1, "cpuset.cpus": "0-1\n", "cpuset.mems": "0\n" }, ({ path, read }) => {
    const network = { classID: 1048577, priorities: [{ name: "lo", priority: 3 }] };
    setLimits({ paths: v1Paths(path) }, { ...EVERYTHING, network });
    const written = Object.fromEntries(Object.keys(V1).map((file) => [file.slice(file.indexOf("/") + 1), read(file)]));
    assertEquals(written, {
      "memory.limit_in_bytes": "67108864",
      "memory.memsw.limit_in_bytes": "134217728",
      "memory.soft_limit_in_bytes": "33554432",
      "memory.swappiness": "10",
      "memory.oom_control": "1",
      "cpu.shares": "512",
      "cpu.cfs_quota_us": "50000",
      "cpu.cfs_period_us": "100000",
      "cpu.cfs_burst_us": "1000",
      "cpu.rt_runtime_us": "5000",
      "cpu.rt_period_us": "10000",
      "cpuset.cpus": "0",
      "cpuset.mems": "0",
      "pids.max": "1",
      "net_cls.classid": "1048577",
      "net_prio.ifpriomap": "lo 3",
      "blkio.bfq.weight": "500",
      "blkio.bfq.weight_device": "8:0 300",
      "blkio.throttle.read_bps_device": "8:0 1000",
      "blkio.throttle.write_iops_device": "8:0 7",
      "hugetlb.2MB.limit_in_bytes": "4194304",
      "rdma.max": "mlx5_1 hca_handle=3",
    });
  });
});

const V2 = {
  ...empty("c/memory.max", "c/memory.swap.max", "c/memory.low", "c/cpu.weight", "c/cpu.max", "c/cpu.max.burst"),
  ...empty("c/cpuset.cpus", "c/cpuset.mems", "c/pids.max", "c/io.max", "c/hugetlb.2MB.max", "c/hugetlb.2MB.rsvd.max"),
  ...empty("c/rdma.max", "c/memory.high"),
  "c/io.bfq.weight": "default 100\n",
  "c/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma\n",
};

Deno.test("setLimits() writes every file of v2, and what unified names", () => {
  withTree(V2, ({ path, read }) => {
    setLimits({ paths: { "": `${path}/c` } }, { ...EVERYTHING, unified: { "memory.high": "1000\n2000\n" } });
    const written = Object.fromEntries(Object.keys(V2).map((file) => [file.slice(2), read(file)]));
    delete written["cgroup.controllers"];
    assertEquals(written, {
      "memory.max": "67108864",
      "memory.swap.max": "67108864",
      "memory.low": "33554432",
      "memory.high": "2000",
      "cpu.weight": "59",
      "cpu.max": "50000 100000",
      "cpu.max.burst": "1000",
      "cpuset.cpus": "0",
      "cpuset.mems": "0",
      "pids.max": "1",
      "io.max": "8:0 wiops=7",
      // a real file takes the lines for devices beside the number
      "io.bfq.weight": "500",
      "hugetlb.2MB.max": "4194304",
      "hugetlb.2MB.rsvd.max": "4194304",
      "rdma.max": "mlx5_1 hca_handle=3",
    });
  });
});

Deno.test("setLimits() keeps what is not asked for of the two numbers in cpu.max", () => {
  withTree({ "cpu.max": "20000 50000\n", "cgroup.controllers": "cpu\n" }, ({ path, read }) => {
    const set = (cpu: Resources["cpu"] & object) => {
      setLimits({ paths: { "": path } }, { cpu });
      return read("cpu.max");
    };
    assertEquals(set({ quota: 10000 }), "10000 50000");
    assertEquals(set({ period: 70000 }), "10000 70000");
    assertEquals(set({ quota: -1 }), "max 70000");
  });
});

Deno.test("setLimits() takes the weight of a cgroup that becomes idle back", () => {
  withTree({ "cpu.idle": "0", "cpu.weight": "59", "cgroup.controllers": "cpu\n" }, ({ path, read }) => {
    const undo: Undo[] = [];
    setLimits({ paths: { "": path } }, { cpu: { idle: 1 } }, { undo });
    assertEquals(read("cpu.idle"), "1");
    Deno.writeTextFileSync(`${path}/cpu.weight`, "1");
    undoAll(undo);
    assertEquals([read("cpu.idle"), read("cpu.weight")], ["0", "59"]);
  });
});

Deno.test("checkLimits() refuses limits of controllers that are not there", () => {
  const v1 = { paths: { memory: "/m", devices: "/d" } };
  checkLimits(v1, { memory: { limit: 1 } });
  const refused = (resources: Resources, phrase: string) =>
    assertEquals(assertThrows(() => checkLimits(v1, resources), RunoError).phrase, phrase);
  refused({ pids: { limit: 1 } }, "cannot set pids limit: container could not join or create cgroup");
  refused({ rdma: { x: { hcaHandles: 1 } } }, "cannot set rdma limit: container could not join or create cgroup");
  refused({ unified: { "memory.max": "1" } }, "invalid configuration: cannot use unified on cgroup v1");
  withTree({ "cgroup.controllers": "cpu pids\n" }, ({ path }) => {
    const v2 = { paths: { "": `${path}/c` } };
    checkLimits(v2, { pids: { limit: 1 } });
    const error = assertThrows(() => checkLimits(v2, { memory: { limit: 1 } }), RunoError);
    assertEquals(
      error.message,
      'cannot set memory limit: controller "memory" not available (cgroup v2 has in this machine: cpu, pids)',
    );
  });
});

Deno.test("setLimits() says which controllers the caller was given", () => {
  withTree({ "cgroup.controllers": "memory pids\n" }, ({ path }) => {
    const error = assertThrows(() => setLimits({ paths: { "": path } }, { cpu: { shares: 5 } }), RunoError);
    assertEquals(
      error.message,
      `cannot set cpu limit: controller "cpu" not available (cgroup v2 has in "${path}": memory, pids)`,
    );
  });
});

Deno.test("checkLimits() finds controllers of a hybrid host in v2", () => {
  withTree({ "cgroup.controllers": "hugetlb\n" }, ({ path }) => {
    const hybrid = { paths: { devices: "/d", "": `${path}/c` } };
    checkLimits(hybrid, { hugepageLimits: [{ pageSize: "2MB", limit: 0 }] });
  });
});

Deno.test("wantedControllers() counts what is a limit", () => {
  const cgroup = { paths: { "": "/c" } };
  assertEquals(wantedControllers(cgroup, EVERYTHING), ["pids", "memory", "io", "cpu", "cpuset", "hugetlb", "rdma"]);
  const nothing: Resources = {
    memory: { limit: 0, swappiness: 3 },
    cpu: { shares: 0, cpus: "" },
    pids: {},
    blockIO: {},
  };
  assertEquals(wantedControllers(cgroup, nothing), []);
});
