// Every limit on a machine with a pure cgroup v2: through `create`, through `update`, and read back from the kernel.
import { assert, assertEquals } from "@std/assert";
import type { Resources } from "../../../core/spec/types.ts";
import { exists, rootTest, sandbox } from "../../root/harness.ts";
import { diskOfBfq, noOwnDisk } from "../../root/support/block.ts";
import { disk } from "../../root/support/cgroups.ts";
import { file, files, MIB, ROOT, update, written } from "./v2.ts";

const DISK = disk(), NAME = `${DISK.major}:${DISK.minor}`;

const FIRST = {
  resources: {
    memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 128 * MIB },
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
    unified: { "memory.high": `${60 * MIB}`, "memory.min": `${MIB}`, "cgroup.max.descendants": "10" },
  },
  files: {
    "memory.max": `${64 * MIB}`,
    "memory.swap.max": `${64 * MIB}`,
    "memory.low": `${32 * MIB}`,
    "memory.high": `${60 * MIB}`,
    "memory.min": `${MIB}`,
    "cpu.weight": "59",
    "cpu.max": "50000 50000",
    "cpu.max.burst": "1000",
    "cpuset.cpus": "0",
    "cpuset.mems": "0",
    "pids.max": "20",
    "io.bfq.weight": "default 300",
    "io.max": `${NAME} rbps=${10 * MIB} wbps=${11 * MIB} riops=1001 wiops=1002`,
    "hugetlb.2MB.max": `${4 * MIB}`,
    "hugetlb.2MB.rsvd.max": `${4 * MIB}`,
    "cgroup.max.descendants": "10",
  },
};

const SECOND = {
  resources: {
    memory: { limit: 96 * MIB, reservation: -1, swap: 96 * MIB },
    cpu: { shares: 2048, quota: -1, burst: 0, cpus: "0-1", mems: "0-1" },
    pids: { limit: -1 },
    blockIO: {
      weight: 400,
      throttleReadBpsDevice: [{ ...DISK, rate: 0 }],
      throttleWriteBpsDevice: [{ ...DISK, rate: 12 * MIB }],
      throttleReadIOPSDevice: [{ ...DISK, rate: 1003 }],
      throttleWriteIOPSDevice: [{ ...DISK, rate: 1004 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 6 * MIB }],
    unified: { "memory.high": "max", "memory.min": "0", "cgroup.max.descendants": "20" },
  },
  files: {
    "memory.max": `${96 * MIB}`,
    "memory.swap.max": "0",
    "memory.low": "max",
    "memory.high": "max",
    "memory.min": "0",
    "cpu.weight": "174",
    "cpu.max": "max 50000",
    "cpu.max.burst": "0",
    "cpuset.cpus": "0-1",
    "cpuset.mems": "0-1",
    "pids.max": "max",
    "io.bfq.weight": "default 400",
    "io.max": `${NAME} rbps=max wbps=${12 * MIB} riops=1003 wiops=1004`,
    "hugetlb.2MB.max": `${6 * MIB}`,
    "hugetlb.2MB.rsvd.max": `${6 * MIB}`,
    "cgroup.max.descendants": "20",
  },
};

rootTest("v2: create() sets every limit, update() changes it", async () => {
  await using box = sandbox({ "linux.resources": FIRST.resources });
  await box.sleeping();
  assertEquals(files(box, FIRST.files), FIRST.files);
  await update(box, SECOND.resources);
  assertEquals(files(box, SECOND.files), SECOND.files);
  await update(box, FIRST.resources);
  assertEquals(files(box, FIRST.files), FIRST.files);
});

rootTest("v2: update() leaves everything as it was when one limit cannot be set", async () => {
  await using box = sandbox({ "linux.resources": FIRST.resources });
  await box.sleeping();
  const state = box.stateFile();
  const fails = async (change: Resources) => {
    const line = await box.fails(["update", "--resources", written(box, { ...SECOND.resources, ...change }), box.id]);
    assertEquals(files(box, FIRST.files), FIRST.files, line);
    assertEquals(box.stateFile(), state);
    return line;
  };
  assert((await fails({ cpu: { cpus: "99" } })).includes('writing "99" to "'));
  assert((await fails({ unified: { "memory.high": "max", "memory.min": "x" } })).includes('"memory.min"'));
  assert((await fails({ rdma: { none: { hcaHandles: 1 } } })).includes('RDMA device "none"'));
});

rootTest("v2: update() keeps the other number of cpu.max, and the memory limit under a new one for swap", async () => {
  await using box = sandbox({
    "linux.resources": { cpu: { quota: 30_000, period: 60_000 }, memory: { limit: 64 * MIB } },
  });
  await box.create();
  await box.ok("update", "--cpu-quota", "15000", box.id);
  assertEquals(file(box, "cpu.max"), "15000 60000");
  await box.ok("update", "--cpu-period", "90000", box.id);
  assertEquals(file(box, "cpu.max"), "15000 90000");
  await box.ok("update", "--memory-swap", "80M", box.id);
  assertEquals([file(box, "memory.max"), file(box, "memory.swap.max")], [`${64 * MIB}`, `${16 * MIB}`]);
  await box.ok("update", "--memory", "-1", box.id);
  assertEquals([file(box, "memory.max"), file(box, "memory.swap.max")], ["max", "max"]);
});

rootTest("v2: update() gives the weight of an idle container back", async () => {
  await using box = sandbox({ "linux.resources.cpu": { shares: 512 } });
  await box.create();
  await box.ok("update", "--cpu-idle", "1", box.id);
  assertEquals([file(box, "cpu.idle"), file(box, "cpu.weight")], ["1", "0"]);
  await box.ok("update", "--cpu-idle", "0", box.id);
  assertEquals([file(box, "cpu.idle"), file(box, "cpu.weight")], ["0", "59"]);
});

rootTest("v2: memory.checkBeforeUpdate keeps the kernel from killing", async () => {
  await using box = sandbox({ "linux.resources.memory": { limit: 64 * MIB } });
  await box.sleeping();
  const resources = written(box, { memory: { limit: 4096, checkBeforeUpdate: true } });
  const line = await box.fails(["update", "--resources", resources, box.id]);
  assert(/rejecting memory limit 4096 <= usage \d+/.test(line), line);
  assertEquals([file(box, "memory.max"), await box.status()], [`${64 * MIB}`, "running"]);
});

rootTest("v2: create() and update() set cpu.idle", async () => {
  await using box = sandbox({ "linux.resources.cpu": { idle: 1 } });
  await box.create();
  assertEquals(file(box, "cpu.idle"), "1");
  await update(box, { cpu: { idle: 0 } });
  assertEquals(file(box, "cpu.idle"), "0");
});

rootTest("v2: create() sets weights by device, update() changes them and takes them back", async () => {
  await using box = sandbox();
  using disk = diskOfBfq(box.dir);
  const { major, minor } = disk, name = `${major}:${minor}`;
  const lines = () => file(box, "io.bfq.weight").split("\n");
  await box.create({ "linux.resources.blockIO": { weight: 300, weightDevice: [{ major, minor, weight: 250 }] } });
  assertEquals(lines(), ["default 300", `${name} 250`]);
  await update(box, { blockIO: { weightDevice: [{ major, minor, weight: 700 }] } });
  assertEquals(lines(), ["default 300", `${name} 700`]);
  // BFQ itself forgets the device then
  await update(box, { blockIO: { weight: 310 } });
  assertEquals(lines(), ["default 310", `${name} 700`]);
  const weightDevice = [{ major, minor, weight: 500 }, { major: 0, minor: 0, weight: 500 }];
  const resources = written(box, { blockIO: { weight: 320, weightDevice } });
  const line = await box.fails(["update", "--resources", resources, box.id]);
  assert(line.includes("io.bfq.weight"), line);
  assertEquals(lines(), ["default 310", `${name} 700`]);
}, noOwnDisk);

/** Takes the scheduler away for a while. */
async function withoutBfq(test: () => Promise<void>): Promise<void> {
  const modprobe = async (...args: string[]) => {
    const { success } = await new Deno.Command("modprobe", { args }).output();
    assert(success, `modprobe ${args.join(" ")}`);
  };
  await modprobe("-r", "bfq");
  try {
    await test();
  } finally {
    await modprobe("bfq");
  }
}

rootTest("v2: create() and update() set io.weight where there is no BFQ", () =>
  withoutBfq(async () => {
    await using box = sandbox({ "linux.resources.blockIO": { weight: 500 } });
    await box.create();
    assert(!exists(`${ROOT}${box.cgroup}/io.bfq.weight`));
    assertEquals(file(box, "io.weight"), "default 4950");
    await update(box, { blockIO: { weight: 10 } });
    assertEquals(file(box, "io.weight"), "default 1");
  }));
