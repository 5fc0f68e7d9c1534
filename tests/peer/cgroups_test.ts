/** The same config with runc and with runo: afterwards the kernel must have the same in every file of every cgroup. */

import { assertEquals, equal } from "@std/assert";

import type { Resources } from "../../core/spec/types.ts";
import { exists, rootTest, RUNO, type Sandbox, sandbox, succeeded } from "../root/harness.ts";
import { disk, hierarchies } from "../root/support/cgroups.ts";
import { execute } from "../root/support/command.ts";

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

/** All keys of an object in their order, with those of the objects in it. */
function keys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return typeof value;
  // of what a hybrid host has in v2 runc tells nothing
  return Object.entries(value).map(([key, member]) => [key, key === "hugetlb" ? "" : keys(member)]);
}

rootTest("events have the same keys in the same order", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"], "linux.resources": RESOURCES });
  await ok(box, RUNO, "run", "--detach", box.id);
  const shape = async (program: string) => keys(JSON.parse(await ok(box, program, "events", "--stats", box.id)));
  // a counter that is still 0 is left out, and may count between the two
  let [ofRuno, ofRunc] = [await shape(RUNO), await shape(RUNC!)];
  for (let tries = 0; tries < 5 && !equal(ofRuno, ofRunc); tries++) {
    [ofRuno, ofRunc] = [await shape(RUNO), await shape(RUNC!)];
  }
  assertEquals(ofRuno, ofRunc);
}, without);
