// Every limit, and what else runo does with cgroups, on a machine with a pure cgroup v2 and all of its controllers.
import { assert, assertEquals } from "@std/assert";
import { updateContainer } from "../../../core/host/update.ts";
import type { Resources } from "../../../core/spec/types.ts";
import { exists, failed, namespaces, rootTest, type Sandbox, sandbox, sleep, succeeded } from "../../root/harness.ts";
import { deviceFilters, disk } from "../../root/support/cgroups.ts";

const MIB = 1 << 20;
const DISK = disk(), NAME = `${DISK.major}:${DISK.minor}`;
const ROOT = "/sys/fs/cgroup";

function file(box: Sandbox, name: string): string {
  return Deno.readTextFileSync(`${ROOT}${box.cgroup}/${name}`).trimEnd();
}

function files(box: Sandbox, expected: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, file(box, name)]));
}

async function update(box: Sandbox, resources: Resources): Promise<void> {
  await box.ok("update", "--resources", written(box, resources), box.id);
}

function written(box: Sandbox, resources: Resources): string {
  const path = `${box.dir}/resources.json`;
  Deno.writeTextFileSync(path, JSON.stringify(resources));
  return path;
}

/** Makes a user the owner of a directory and of everything in it. */
function giveTree(path: string, uid: number): void {
  Deno.chownSync(path, uid, uid);
  for (const { name, isDirectory } of Deno.readDirSync(path)) if (isDirectory) giveTree(`${path}/${name}`, uid);
}

const FIRST = {
  resources: {
    memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 128 * MIB },
    cpu: { shares: 512, quota: 50_000, period: 50_000, burst: 1000, cpus: "0", mems: "0" },
    pids: { limit: 20 },
    blockIO: {
      weight: 300,
      throttleReadBpsDevice: [{ ...DISK, rate: 10 * MIB }],
      throttleWriteIOPSDevice: [{ ...DISK, rate: 1002 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 4 * MIB }],
    unified: { "memory.high": `${60 * MIB}`, "cgroup.max.descendants": "10" },
  },
  files: {
    "memory.max": `${64 * MIB}`,
    "memory.swap.max": `${64 * MIB}`,
    "memory.low": `${32 * MIB}`,
    "memory.high": `${60 * MIB}`,
    "cpu.weight": "59",
    "cpu.max": "50000 50000",
    "cpu.max.burst": "1000",
    "cpuset.cpus": "0",
    "cpuset.mems": "0",
    "pids.max": "20",
    "io.bfq.weight": "default 300",
    "io.max": `${NAME} rbps=${10 * MIB} wbps=max riops=max wiops=1002`,
    "hugetlb.2MB.max": `${4 * MIB}`,
    "hugetlb.2MB.rsvd.max": `${4 * MIB}`,
    "cgroup.max.descendants": "10",
  },
};

const SECOND = {
  resources: {
    memory: { limit: 96 * MIB, reservation: -1, swap: 96 * MIB },
    cpu: { shares: 2048, quota: -1, cpus: "0-1" },
    pids: { limit: -1 },
    blockIO: { weight: 400, throttleReadBpsDevice: [{ ...DISK, rate: 0 }] },
    hugepageLimits: [{ pageSize: "2MB", limit: 6 * MIB }],
    unified: { "memory.high": "max" },
  },
  files: {
    "memory.max": `${96 * MIB}`,
    "memory.swap.max": "0",
    "memory.low": "max",
    "memory.high": "max",
    "cpu.weight": "174",
    "cpu.max": "max 50000",
    "cpu.max.burst": "1000",
    "cpuset.cpus": "0-1",
    "cpuset.mems": "0",
    "pids.max": "max",
    "io.bfq.weight": "default 400",
    "io.max": `${NAME} rbps=max wbps=max riops=max wiops=1002`,
    "hugetlb.2MB.max": `${6 * MIB}`,
    "hugetlb.2MB.rsvd.max": `${6 * MIB}`,
    "cgroup.max.descendants": "10",
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

rootTest("v2: 200 updates leave one device filter, and /dev/null open all the time", async () => {
  await using box = sandbox();
  const script = "while :; do echo x > /dev/null || echo denied >> /denied; done";
  await box.sleeping({ "process.args": ["sh", "-c", script] });
  const warn = (message: string) => {
    throw new Error(message);
  };
  const host = { root: box.root, cgroupManager: "cgroupfs", rootless: "auto", argv0: "runo", warn } as const;
  // what the command does, without starting it each time
  for (let i = 0; i < 200; i++) updateContainer(host, box.id, { pids: { limit: 20 + i } });
  assertEquals(deviceFilters(`${ROOT}${box.cgroup}`), 1);
  assertEquals(file(box, "pids.max"), "219");
  assert(!exists(`${box.rootfs}/denied`));
});

rootTest("v2: create() replaces the device filter that is left in a cgroup", async () => {
  await using box = sandbox();
  await box.create();
  // the directory survives a runtime that was killed
  const pid = await box.pid();
  Deno.kill(pid, "SIGKILL");
  await box.reaches("stopped");
  Deno.removeSync(box.stateDir, { recursive: true });
  await box.create();
  assertEquals(deviceFilters(`${ROOT}${box.cgroup}`), 1);
});

rootTest("v2: a cgroup is given to root of the user namespace if the container may write to it", async () => {
  const ids = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const owned = async (options: string[], types: string[]) => {
    await using box = sandbox({
      "linux.namespaces": namespaces(...types),
      "linux.uidMappings": ids,
      "linux.gidMappings": ids,
      "mounts": [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/dev", type: "tmpfs", source: "tmpfs" },
        { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options },
      ],
      "root.path": "rootfs",
    });
    giveTree(box.dir, 100000);
    await box.create();
    const owner = (name: string) => Deno.statSync(`${ROOT}${box.cgroup}${name}`).uid;
    return ["", "/cgroup.procs", "/cgroup.subtree_control", "/memory.max"].map(owner);
  };
  const all = ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"];
  assertEquals(await owned(["rw"], all), [100000, 100000, 100000, 0]);
  assertEquals(await owned(["ro"], all), [0, 0, 0, 0]);
  assertEquals(await owned(["rw"], all.filter((type) => type !== "cgroup")), [0, 0, 0, 0]);
});

rootTest("v2: exec() follows an init that has divided its cgroup", async () => {
  await using box = sandbox({
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "cgroup"),
    "mounts": [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"] },
    ],
    "process.args": [
      "sh",
      "-c",
      "mkdir /sys/fs/cgroup/init && echo 1 > /sys/fs/cgroup/init/cgroup.procs && " +
      "echo +pids > /sys/fs/cgroup/cgroup.subtree_control; touch /divided; sleep 1000",
    ],
  });
  await box.create();
  await box.ok("start", box.id);
  while (!exists(`${box.rootfs}/divided`)) await sleep(10);
  assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), "0::/init\n");
  const line = await box.fails(["exec", "--cgroup", "/", box.id, "true"], 255);
  assert(line.includes("no internal processes"), line);
});

rootTest("v2: events() tells of out of memory once, and ends with the container", async () => {
  await using box = sandbox({
    "linux.resources.memory": { limit: 16 * MIB, swap: 16 * MIB },
    "process.args": ["sh", "-c", "until [ -e /go ]; do sleep 0.05; done; a=xxxxxxxx; while :; do a=$a$a; done"],
  });
  await box.create();
  await box.ok("start", box.id);
  const events = box.start(["events", "--interval", "200ms", box.id]);
  while (!events.stdout().includes('"stats"')) await sleep(20);
  box.file("go", "");
  const lines = succeeded(await events.result).trimEnd().split("\n");
  assertEquals(lines.filter((line) => line === `{"type":"oom","id":"${box.id}"}`).length, 1, lines.join("\n"));
  assertEquals(await box.status(), "stopped");
});

rootTest("v2: events() prints what the container uses, and pressure where the kernel tells", async () => {
  await using box = sandbox({ "linux.resources": FIRST.resources });
  await box.sleeping();
  const { data } = JSON.parse(await box.ok("events", "--stats", box.id));
  assertEquals([data.memory.usage.limit, data.memory.swap.limit], [64 * MIB, 128 * MIB]);
  assertEquals(data.pids, { current: 1, limit: 20 });
  assert(data.memory.raw.anon > 0 && data.cpu.usage.total > 0);
  assertEquals(Object.keys(data.hugetlb), ["1GB", "2MB"]);
  if (exists(`${ROOT}${box.cgroup}/cpu.pressure`)) {
    assertEquals(Object.keys(data.cpu.psi ?? { some: 0, full: 0 }), ["some", "full"]);
  }
});

rootTest("v2: create() says when memory was not enough to start", async () => {
  await using box = sandbox();
  const line = await box.refused({ "linux.resources.memory": { limit: 4096, swap: 4096 } });
  assert(line.includes("container init was OOM-killed (memory limit too low?)"), line);
  assertEquals(box.leftovers(), []);
});

rootTest("v2: pause() and kill() work on the whole of the cgroup", async () => {
  await using box = sandbox();
  await box.sleeping({ "process.args": ["sh", "-c", "sleep 1000 & sleep 1000"] });
  await box.ok("pause", box.id);
  assert(file(box, "cgroup.events").includes("frozen 1"));
  assertEquals(await box.status(), "paused");
  await box.ok("resume", box.id);
  await box.ok("kill", "--all", box.id, "KILL");
  await box.reaches("stopped");
});

rootTest("v2: a cgroup below one with processes is threaded, and takes no limit of memory", async () => {
  await using box = sandbox();
  const parent = `${ROOT}${box.cgroup}`;
  Deno.mkdirSync(parent, { recursive: true });
  const other = new Deno.Command("sleep", { args: ["100"] }).spawn();
  try {
    Deno.writeTextFileSync(`${parent}/cgroup.procs`, String(other.pid), { create: false });
    Deno.mkdirSync(`${parent}/threaded`);
    Deno.writeTextFileSync(`${parent}/threaded/cgroup.type`, "threaded", { create: false });
    const cgroupsPath = `${box.cgroup}/c`;
    const memory = { "linux.cgroupsPath": cgroupsPath, "linux.resources.memory": { limit: 64 * MIB } };
    box.configure(memory);
    const line = failed(await box.runo(["run", "--bundle", box.bundle, box.id]));
    assert(line.includes("with domain controllers -- it is in an invalid state"), line);
    assert(!exists(`${parent}/c`));
  } finally {
    other.kill("SIGKILL");
    await other.status;
    await sleep(50);
    Deno.removeSync(`${parent}/threaded`);
    Deno.removeSync(parent);
  }
});

rootTest("v2: an ordinary user's container uses a cgroup that was given to that user", async () => {
  await using box = sandbox();
  const parent = `${ROOT}/runo-user-${Deno.pid}`;
  Deno.mkdirSync(`${parent}/session`, { recursive: true });
  const give = (path: string, ...names: string[]) =>
    ["", ...names].forEach((name) => Deno.chownSync(`${path}/${name}`, 1000, 1000));
  give(parent, "cgroup.procs", "cgroup.subtree_control", "cgroup.threads");
  give(`${parent}/session`, "cgroup.procs");
  const path = (limits: Resources | undefined) => ({
    "linux.cgroupsPath": undefined,
    "linux.namespaces": namespaces("pid", "ipc", "uts", "mount", "cgroup", "user"),
    "linux.uidMappings": [{ containerID: 0, hostID: 1000, size: 1 }],
    "linux.gidMappings": [{ containerID: 0, hostID: 1000, size: 1 }],
    "linux.resources": limits,
    "mounts": [{ destination: "/proc", type: "proc", source: "proc" }],
    "process.args": ["sh", "-c", "sleep 1000"],
  });
  giveTree(box.dir, 1000);
  // the container keeps stderr open: a file, for nobody waits for the end of that
  const asUser = async (script: string) => {
    const user = "setpriv --reuid 1000 --regid 1000 --clear-groups";
    const command = `${user} env XDG_RUNTIME_DIR=${box.dir} sh -c '${script}'`;
    const args = ["-c", `echo $$ > ${parent}/session/cgroup.procs; exec ${command} < /dev/null > ${box.dir}/out 2>&1`];
    const { code } = await new Deno.Command("sh", { args }).output();
    return { code, text: Deno.readTextFileSync(`${box.dir}/out`) };
  };
  const runo = `${new URL("../../../dist/runo", import.meta.url).pathname} --root ${box.root}`;
  try {
    box.configure(path({ pids: { limit: 9 } }));
    const created = await asUser(`${runo} run --detach --bundle ${box.bundle} ${box.id}`);
    assertEquals(created, { code: 0, text: "" });
    assertEquals(Deno.readTextFileSync(`${parent}/${box.id}/pids.max`), "9\n");
    const pid = await box.pid();
    assertEquals(Deno.readTextFileSync(`/proc/${pid}/cgroup`), `0::${parent.slice(ROOT.length)}/${box.id}\n`);
    assertEquals(await asUser(`${runo} exec ${box.id} true; ${runo} delete --force ${box.id}`), { code: 0, text: "" });
    assert(!exists(`${parent}/${box.id}`));
  } finally {
    await sleep(50);
    Deno.removeSync(`${parent}/session`);
    Deno.removeSync(parent);
  }
});
