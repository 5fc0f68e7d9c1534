// What runo does with cgroups beside limits, on a machine with a pure cgroup v2 and all of its controllers.
import { assert, assertEquals } from "@std/assert";
import { updateContainer } from "../../../core/host/update.ts";
import type { Resources } from "../../../core/spec/types.ts";
import { exists, failed, namespaces, rootTest, sandbox, sleep, succeeded } from "../../root/harness.ts";
import { deviceFilters } from "../../root/support/cgroups.ts";
import { file, MIB, ROOT } from "./v2.ts";

/** Makes a user the owner of a directory and of everything in it. */
function giveTree(path: string, uid: number): void {
  Deno.chownSync(path, uid, uid);
  for (const { name, isDirectory } of Deno.readDirSync(path)) if (isDirectory) giveTree(`${path}/${name}`, uid);
}

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
  await using box = sandbox({
    "linux.resources": { memory: { limit: 64 * MIB, swap: 128 * MIB }, pids: { limit: 20 } },
  });
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

rootTest("v2: run() starts a program with one process allowed, and within 512 KiB", async () => {
  await using box = sandbox();
  const resources = { memory: { limit: 512 * 1024, swap: 512 * 1024 }, pids: { limit: 1 } };
  const { code, stderr } = await box.run({ "linux.resources": resources, "process.args": ["true"] });
  assertEquals([code, stderr], [0, ""]);
});

rootTest("v2: a paused container takes no process, and can be killed and deleted", async () => {
  await using box = sandbox();
  await box.sleeping();
  await box.ok("pause", box.id);
  const line = await box.fails(["exec", box.id, "true"], 255);
  assert(line.includes("cannot exec in a paused container"), line);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  await box.sleeping();
  await box.ok("pause", box.id);
  await box.ok("delete", "--force", box.id);
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
