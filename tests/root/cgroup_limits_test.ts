// Every limit of config.json on a hybrid host: through `create`, through `update`, and read back from the kernel.
import { assert, assertEquals } from "@std/assert";
import type { Resources } from "../../core/spec/types.ts";
import { exists, rootTest, type Sandbox, sandbox } from "./harness.ts";
import { cgroupFile, cgroupFiles, disk, parentCgroup } from "./support/cgroups.ts";

/** Limits, and what the kernel must have then. */
interface Row {
  readonly resources: Resources;
  readonly files: Readonly<Record<string, string>>;
}

const MIB = 1 << 20;
const DISK = disk(), NAME = `${DISK.major}:${DISK.minor}`;

const FIRST: Row = {
  resources: {
    memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 128 * MIB, swappiness: 10, disableOOMKiller: true },
    cpu: { shares: 512, quota: 50_000, period: 50_000, burst: 1000, cpus: "0", mems: "0" },
    pids: { limit: 20 },
    blockIO: {
      weight: 300,
      throttleReadBpsDevice: [{ ...DISK, rate: 10 * MIB }],
      throttleWriteBpsDevice: [{ ...DISK, rate: 11 * MIB }],
      throttleReadIOPSDevice: [{ ...DISK, rate: 1001 }],
      throttleWriteIOPSDevice: [{ ...DISK, rate: 1002 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 4 * MIB }],
  },
  files: {
    "memory/memory.limit_in_bytes": `${64 * MIB}`,
    "memory/memory.memsw.limit_in_bytes": `${128 * MIB}`,
    "memory/memory.soft_limit_in_bytes": `${32 * MIB}`,
    "memory/memory.swappiness": "10",
    "cpu/cpu.shares": "512",
    "cpu/cpu.cfs_quota_us": "50000",
    "cpu/cpu.cfs_period_us": "50000",
    "cpu/cpu.cfs_burst_us": "1000",
    "cpuset/cpuset.cpus": "0",
    "cpuset/cpuset.mems": "0",
    "pids/pids.max": "20",
    "blkio/blkio.bfq.weight": "300",
    "blkio/blkio.throttle.read_bps_device": `${NAME} ${10 * MIB}`,
    "blkio/blkio.throttle.write_bps_device": `${NAME} ${11 * MIB}`,
    "blkio/blkio.throttle.read_iops_device": `${NAME} 1001`,
    "blkio/blkio.throttle.write_iops_device": `${NAME} 1002`,
    // this controller has stayed in v2
    "unified/hugetlb.2MB.max": `${4 * MIB}`,
    "unified/hugetlb.2MB.rsvd.max": `${4 * MIB}`,
  },
};

const SECOND: Row = {
  resources: {
    memory: { limit: 256 * MIB, reservation: 16 * MIB, swap: 512 * MIB, swappiness: 20 },
    cpu: { shares: 2048, quota: 20_000, period: 200_000, burst: 0, cpus: "0-1" },
    pids: { limit: 0 },
    blockIO: {
      weight: 400,
      throttleReadBpsDevice: [{ ...DISK, rate: 0 }],
      throttleWriteBpsDevice: [{ ...DISK, rate: 12 * MIB }],
      throttleReadIOPSDevice: [{ ...DISK, rate: 1003 }],
      throttleWriteIOPSDevice: [{ ...DISK, rate: 7 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 6 * MIB }],
  },
  files: {
    "memory/memory.limit_in_bytes": `${256 * MIB}`,
    "memory/memory.memsw.limit_in_bytes": `${512 * MIB}`,
    "memory/memory.soft_limit_in_bytes": `${16 * MIB}`,
    "memory/memory.swappiness": "20",
    "cpu/cpu.shares": "2048",
    "cpu/cpu.cfs_quota_us": "20000",
    "cpu/cpu.cfs_period_us": "200000",
    "cpu/cpu.cfs_burst_us": "0",
    "cpuset/cpuset.cpus": "0-1",
    "cpuset/cpuset.mems": "0",
    "pids/pids.max": "1",
    "blkio/blkio.bfq.weight": "400",
    "blkio/blkio.throttle.read_bps_device": "",
    "blkio/blkio.throttle.write_bps_device": `${NAME} ${12 * MIB}`,
    "blkio/blkio.throttle.read_iops_device": `${NAME} 1003`,
    "blkio/blkio.throttle.write_iops_device": `${NAME} 7`,
    "unified/hugetlb.2MB.max": `${6 * MIB}`,
    "unified/hugetlb.2MB.rsvd.max": `${6 * MIB}`,
  },
};

async function update(box: Sandbox, resources: Resources): Promise<void> {
  const file = `${box.dir}/resources.json`;
  Deno.writeTextFileSync(file, JSON.stringify(resources));
  await box.ok("update", "--resources", file, box.id);
}

rootTest("create() sets every limit, update() changes it", async () => {
  await using box = sandbox({ "linux.resources": FIRST.resources });
  await box.sleeping();
  assertEquals(cgroupFiles(box, FIRST.files), FIRST.files);
  assert(cgroupFile(box, "memory/memory.oom_control").startsWith("oom_kill_disable 1\n"));
  await update(box, SECOND.resources);
  assertEquals(cgroupFiles(box, SECOND.files), SECOND.files);
  // down again: memory before memory and swap, and the other way round
  await update(box, FIRST.resources);
  assertEquals(cgroupFiles(box, FIRST.files), FIRST.files);
});

rootTest("create() and update() set what has two values: idle, and no OOM killer", async () => {
  await using box = sandbox({ "linux.resources": { cpu: { idle: 1 } } });
  await box.create();
  const now = () => [cgroupFile(box, "cpu/cpu.idle"), cgroupFile(box, "memory/memory.oom_control").split("\n")[0]];
  assertEquals(now(), ["1", "oom_kill_disable 0"]);
  await update(box, { cpu: { idle: 0 }, memory: { disableOOMKiller: true } });
  assertEquals(now(), ["0", "oom_kill_disable 1"]);
});

rootTest("create() and update() leave limits of kernel memory alone, and say so", async () => {
  await using box = sandbox({ "linux.resources.memory": { limit: 64 * MIB, kernel: 32 * MIB, kernelTCP: 16 * MIB } });
  const files = {
    "memory/memory.limit_in_bytes": `${64 * MIB}`,
    "memory/memory.kmem.limit_in_bytes": "9223372036854771712",
    "memory/memory.kmem.tcp.limit_in_bytes": "9223372036854771712",
  };
  const warns = async (...args: string[]) => {
    const { code, stderr } = await box.runo(args);
    assertEquals([code, cgroupFiles(box, files)], [0, files], stderr);
    assert(/level=warning msg=.*kernel memory /.test(stderr), stderr);
  };
  await warns("create", "--bundle", box.bundle, box.id);
  await warns("update", "--kernel-memory", "16M", "--kernel-memory-tcp", "8M", box.id);
  Deno.writeTextFileSync(`${box.dir}/r.json`, JSON.stringify({ memory: { kernel: 16 * MIB, kernelTCP: 8 * MIB } }));
  await warns("update", "--resources", `${box.dir}/r.json`, box.id);
});

rootTest("update() notes the new limits in state.json", async () => {
  await using box = sandbox({ "linux.resources": FIRST.resources });
  await box.create();
  await box.ok("update", "--memory", "96M", "--memory-swap", "192M", "--cpu-share", "100", "--pids-limit", "5", box.id);
  const { memory, memory_swap, cpu_shares, pids_limit, cpu_quota, blkio_weight } = box.stateFile().config.cgroups;
  assertEquals([memory, memory_swap, cpu_shares, pids_limit], [96 * MIB, 192 * MIB, 100, 5]);
  // what was not named
  assertEquals([cpu_quota, blkio_weight], [50_000, 300]);
  assertEquals(cgroupFile(box, "memory/memory.limit_in_bytes"), `${96 * MIB}`);
  assertEquals(box.stateFile().runo.spec.linux.resources.memory.limit, 64 * MIB, "the config as it was at creation");
});

rootTest("update() leaves everything as it was when one limit cannot be set", async () => {
  await using box = sandbox({ "linux.resources": FIRST.resources });
  await box.sleeping();
  const state = box.stateFile();
  const resources = { ...SECOND.resources, cpu: { ...SECOND.resources.cpu, mems: "63" } };
  const file = `${box.dir}/resources.json`;
  Deno.writeTextFileSync(file, JSON.stringify(resources));
  const line = await box.fails(["update", "--resources", file, box.id]);
  assert(line.includes('writing "63" to "'), line);
  assert(line.includes('cpuset.mems": write: '), line);
  assertEquals(cgroupFiles(box, FIRST.files), FIRST.files);
  assertEquals(box.stateFile(), state);
  // the last of all: everything before has to be taken back
  const late = { ...SECOND.resources, network: { classID: 5 } };
  Deno.writeTextFileSync(file, JSON.stringify(late));
  const other = await box.fails(["update", "--resources", file, box.id]);
  assert(other.includes("cannot set net_cls limit: container could not join or create cgroup"), other);
  assertEquals(cgroupFiles(box, FIRST.files), FIRST.files);
});

rootTest("update() keeps the quota or the period that is not named", async () => {
  await using box = sandbox({ "linux.resources.cpu": { quota: 30_000, period: 60_000 } });
  await box.create();
  const now = () => [cgroupFile(box, "cpu/cpu.cfs_quota_us"), cgroupFile(box, "cpu/cpu.cfs_period_us")];
  await box.ok("update", "--cpu-quota", "15000", box.id);
  assertEquals(now(), ["15000", "60000"]);
  await box.ok("update", "--cpu-period", "90000", box.id);
  assertEquals(now(), ["15000", "90000"]);
  const { cpu_quota, cpu_period } = box.stateFile().config.cgroups;
  assertEquals([cpu_quota, cpu_period], [15_000, 90_000]);
});

rootTest("update() takes memory without limit for swap without limit", async () => {
  await using box = sandbox({ "linux.resources.memory": { limit: 64 * MIB, swap: 64 * MIB } });
  await box.create();
  await box.ok("update", "--memory", "-1", box.id);
  const unlimited = "9223372036854771712";
  assertEquals(cgroupFile(box, "memory/memory.limit_in_bytes"), unlimited);
  assertEquals(cgroupFile(box, "memory/memory.memsw.limit_in_bytes"), unlimited);
  const { memory, memory_swap } = box.stateFile().config.cgroups;
  assertEquals([memory, memory_swap], [-1, 0]);
});

rootTest("update() sets swap alone against the memory limit that there is", async () => {
  await using box = sandbox({ "linux.resources.memory": { limit: 64 * MIB } });
  await box.create();
  await box.ok("update", "--memory-swap", "80M", box.id);
  assertEquals(cgroupFile(box, "memory/memory.memsw.limit_in_bytes"), `${80 * MIB}`);
  const line = await box.fails(["update", "--memory-swap", "60M", box.id]);
  assert(line.includes("memory+swap limit should be >= memory limit"), line);
});

rootTest("update() says how much is used when the memory limit is below that", async () => {
  await using box = sandbox({ "linux.resources.memory": { limit: 64 * MIB } });
  await box.sleeping();
  const line = await box.fails(["update", "--memory", "4k", box.id]);
  assert(/unable to set memory limit to 4096 \(current usage: \d+, peak usage: \d+\)/.test(line), line);
  assertEquals(cgroupFile(box, "memory/memory.limit_in_bytes"), `${64 * MIB}`);
});

rootTest("update() gives the weight of an idle container back", async () => {
  await using box = sandbox({ "linux.resources.cpu": { shares: 300 } });
  await box.create();
  await box.ok("update", "--cpu-idle", "1", box.id);
  assertEquals([cgroupFile(box, "cpu/cpu.idle"), cgroupFile(box, "cpu/cpu.shares")], ["1", "3"]);
  const line = await box.fails(["update", "--cpu-share", "400", box.id]);
  assert(line.includes("an idle cgroup (cpu.idle) has no shares"), line);
  await box.ok("update", "--cpu-idle", "0", box.id);
  assertEquals([cgroupFile(box, "cpu/cpu.idle"), cgroupFile(box, "cpu/cpu.shares")], ["0", "300"]);
});

rootTest("update() refuses a container that has stopped", async () => {
  await using box = sandbox();
  await box.create({});
  await box.ok("start", box.id);
  await box.reaches("stopped");
  assert((await box.fails(["update", "--memory", "64M", box.id])).includes("container not running"));
});

rootTest("update() sets a shorter period that fits into the parent's quota only with the new quota", async () => {
  await using box = sandbox();
  using parent = parentCgroup(box);
  parent.write("cpu/cpu.cfs_quota_us", "50000");
  await box.create({
    "linux.cgroupsPath": `${box.cgroup}/c`,
    "linux.resources.cpu": { quota: 40_000, period: 100_000 },
  });
  const now = () => ["quota", "period"].map((name) => cgroupFile(box, `cpu/cpu.cfs_${name}_us`, "c"));
  await box.ok("update", "--cpu-period", "10000", "--cpu-quota", "4000", box.id);
  assertEquals(now(), ["4000", "10000"]);
  const line = await box.fails(["update", "--cpu-period", "10000", "--cpu-quota", "9000", box.id]);
  assert(line.includes("must be 1000 us or more and fit into that of the parent cgroup"), line);
  assertEquals(now(), ["4000", "10000"]);
  await box.ok("delete", "--force", box.id);
});

rootTest("create() refuses shares that the kernel would change", async () => {
  await using box = sandbox();
  const line = await box.refused({ "linux.resources.cpu": { shares: 300_000 } });
  assert(line.includes("the maximum allowed cpu-shares is 262144"), line);
  assertEquals(box.leftovers(), []);
});

rootTest("create() refuses limits of controllers that are not there, before anything is made", async () => {
  await using box = sandbox();
  const refused = async (resources: Resources, phrase: string) => {
    const line = await box.refused({ "linux.resources": resources });
    assert(line.includes(phrase), line);
    assertEquals(box.leftovers(), []);
  };
  await refused({ rdma: { mlx5_1: { hcaHandles: 1 } } }, "cannot set rdma limit: container could not join or create");
  await refused({ unified: { "memory.max": "1" } }, "cannot use unified on cgroup v1");
  await refused({ memory: { limit: 2 * MIB, swap: MIB } }, "memory+swap limit should be >= memory limit");
  await refused({ hugepageLimits: [{ pageSize: "3MB", limit: 0 }] }, "are there huge pages of 3MB");
});

rootTest("create() sets real-time limits that fit only together", async () => {
  await using box = sandbox();
  // only the root has runtime to give
  const path = `/runo-test-${box.id}`;
  await box.create({
    "linux.cgroupsPath": path,
    "linux.resources.cpu": { realtimeRuntime: 1000, realtimePeriod: 500_000 },
  });
  const now = () =>
    ["runtime", "period"].map((name) => Deno.readTextFileSync(`/sys/fs/cgroup/cpu${path}/cpu.rt_${name}_us`).trim());
  assertEquals(now(), ["1000", "500000"]);
  await box.ok("update", "--cpu-rt-runtime", "2000", "--cpu-rt-period", "900000", box.id);
  assertEquals(now(), ["2000", "900000"]);
  await box.ok("delete", "--force", box.id);
  assert(!exists(`/sys/fs/cgroup/cpu${path}`));
});
