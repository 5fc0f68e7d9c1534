/** The same config with runc and with runo: afterwards the kernel must have the same in every file of every cgroup. */

import { assert, assertEquals } from "@std/assert";

import type { Resources } from "../../core/spec/types.ts";
import { exists, rootTest, RUNO, type Sandbox, sandbox, succeeded, until } from "../root/harness.ts";
import { disk, hierarchies } from "../root/support/cgroups.ts";
import { execute } from "../root/support/command.ts";
import { assertBetween } from "./runc/events.ts";

const RUNC = ["/usr/sbin/runc", "/usr/bin/runc"].find(exists);
const without = RUNC === undefined && "it needs the package runc";

const MIB = 1 << 20;
const DISK = disk();

const RESOURCES: Resources = {
  memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 128 * MIB, swappiness: 10, disableOOMKiller: true },
  cpu: { shares: 512, quota: 50_000, period: 50_000, cpus: "0", mems: "0" },
  pids: { limit: 20 },
  blockIO: {
    weight: 300,
    throttleReadBpsDevice: [{ ...DISK, rate: 1_000_000 }],
    throttleWriteIOPSDevice: [{ ...DISK, rate: 77 }],
  },
  devices: [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 11, access: "r" },
    { allow: true, type: "b", major: 7, access: "rw" },
  ],
};

const UPDATES: readonly Resources[] = [
  { memory: { limit: 32 * MIB }, cpu: { shares: 100, cpus: "0-1" }, pids: { limit: 7 } },
  { memory: { limit: 256 * MIB, swap: 256 * MIB }, cpu: { quota: 20_000 } },
  { memory: { limit: -1 }, cpu: { period: 70_000 }, blockIO: { weight: 500 } },
];

/** Counters and lists of processes differ from run to run. */
const VARYING = /usage|stat|procs|tasks|pressure|peak|failcnt|kill|control|threads|io_serv|pids\.current|events/;

/** Every file of the container's cgroups that says what is set. */
function settings(cgroup: string): string[] {
  return hierarchies().flatMap((hierarchy) => {
    const directory = `/sys/fs/cgroup/${hierarchy}${cgroup}`;
    const files = [...Deno.readDirSync(directory)].filter(({ isFile }) => isFile).map(({ name }) => name).sort();
    return files.filter((file) => !VARYING.test(file)).map((file) => {
      const lines = read(`${directory}/${file}`).split("\n").filter((line) => line !== "");
      return `${hierarchy}/${file}: ${lines.sort().join("; ")}`;
    });
  });
}

// "" for a file that can only be written
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

async function ok(box: Sandbox, program: string, ...args: readonly string[]): Promise<string> {
  return succeeded(await execute([program, "--root", box.root, ...args], { cwd: box.bundle }), args.join(" "));
}

rootTest("limits are the same in the kernel whether runc or runo has set them", async () => {
  const [ofRunc, ofRuno] = await Promise.all([RUNC!, RUNO].map(async (program) => {
    await using box = sandbox({ "process.args": ["sleep", "1000"], "linux.resources": RESOURCES });
    await ok(box, program, "create", box.id);
    const all = [settings(box.cgroup)];
    for (const resources of UPDATES) {
      Deno.writeTextFileSync(`${box.dir}/resources.json`, JSON.stringify(resources));
      await ok(box, program, "update", "--resources", `${box.dir}/resources.json`, box.id);
      all.push(settings(box.cgroup));
    }
    return all;
  }));
  assertEquals(ofRuno, ofRunc);
}, without);

/** A container of which much can be told: it writes to a disk, takes more time than it may have, and starts processes. */
const BUSY = "while :; do dd if=/dev/zero of=/file bs=64k count=4 conv=fsync 2>/dev/null; done";
const BUSY_RESOURCES: Resources = {
  memory: { limit: 64 * MIB, swap: 128 * MIB },
  cpu: { quota: 2_000, period: 10_000, cpus: "0" },
  pids: { limit: 20 },
};

rootTest("events have the same keys in the same order, and like values", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", BUSY], "linux.resources": BUSY_RESOURCES });
  await ok(box, RUNO, "run", "--detach", box.id);
  const sample = async (program: string) => JSON.parse(await ok(box, program, "events", "--stats", box.id));
  await until(async () => isWorking((await sample(RUNC!)).data), "something to tell of");
  for (let round = 0; round < 5; round++) {
    const before = await sample(RUNC!), between = await sample(RUNO), after = await sample(RUNC!);
    // of what a hybrid host has in v2 runc tells nothing
    assertBetween({ before, between, after }, ["data.hugetlb"]);
    assertEquals(before.data.memory.usage.limit, 64 * MIB);
  }
}, without);

/** Whether the counters that matter count. */
// deno-lint-ignore no-explicit-any
function isWorking({ cpu, memory, blkio }: any): boolean {
  const written = blkio.ioServiceBytesRecursive?.some(({ value = 0 }) => value > 0);
  return cpu.throttling.throttledPeriods > 0 && memory.usage.max > 0 && memory.raw.pgfault > 0 && written;
}

// of the controllers this view has hugetlb
const V2 = "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup";

rootTest("on a host with v2 alone events have the same keys in the same order, and like values", async () => {
  await using box = sandbox({
    "process.args": ["sh", "-c", "while :; do usleep 1000; done"],
    "linux.resources": { hugepageLimits: [{ pageSize: "2MB", limit: 4 * MIB }] },
  });
  const seen = async (program: string, ...args: readonly string[]) =>
    succeeded(await execute([program, "--root", box.root, ...args], { cwd: box.bundle, mounts: V2 }), args.join(" "));
  await seen(RUNO, "run", "--detach", box.id);
  const sample = async (program: string) => JSON.parse(await seen(program, "events", "--stats", box.id));
  for (let round = 0; round < 5; round++) {
    const before = await sample(RUNC!), between = await sample(RUNO), after = await sample(RUNC!);
    assertBetween({ before, between, after });
    assert(between.data.cpu.usage.total > 0 && "2MB" in between.data.hugetlb);
  }
  await seen(RUNO, "delete", "--force", box.id);
}, without);
