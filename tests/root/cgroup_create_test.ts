// Where the cgroup is, what keeps a container from being made in it, and that nothing of it is left.
import { assert, assertEquals } from "@std/assert";
import { exists, rootTest, sandbox, sleep, until } from "./harness.ts";
import { cgroupFile, hierarchies, parentCgroup } from "./support/cgroups.ts";

const HIERARCHIES = hierarchies();

rootTest("create() puts init into an absolute path of every hierarchy, and records where", async () => {
  await using box = sandbox();
  const pid = await box.create();
  const lines = Deno.readTextFileSync(`/proc/${pid}/cgroup`).trimEnd().split("\n");
  assertEquals(lines.filter((line) => !line.endsWith(`:${box.cgroup}`)), []);
  const paths = HIERARCHIES.map((name) => {
    const key = name === "systemd" ? "name=systemd" : name === "unified" ? "" : name;
    return [key, `/sys/fs/cgroup/${name}${box.cgroup}`];
  });
  assertEquals(box.stateFile().cgroup_paths, Object.fromEntries(paths));
});

rootTest("create() puts a container without a path, or with a relative one, below the caller's cgroup", async () => {
  await using box = sandbox();
  const own = new Map(
    Deno.readTextFileSync("/proc/self/cgroup").trimEnd().split("\n").map((line) => {
      const [, controller = "", path = ""] = line.split(":");
      return [controller, path === "/" ? "" : path] as const;
    }),
  );
  const check = async (cgroupsPath: string | undefined, expected: string) => {
    const pid = await box.create({ "linux.cgroupsPath": cgroupsPath });
    for (const line of Deno.readTextFileSync(`/proc/${pid}/cgroup`).trimEnd().split("\n")) {
      const [, controller = "", path] = line.split(":");
      assertEquals(path, `${own.get(controller)}/${expected}`, line);
    }
    await box.ok("delete", "--force", box.id);
  };
  await check(undefined, box.id);
  await check(`./${box.id}-a//${box.id}/`, `${box.id}-a/${box.id}`);
  // as with runc, the parents stay
  for (const name of HIERARCHIES) {
    const path = own.get(name === "systemd" ? "name=systemd" : name === "unified" ? "" : name);
    Deno.removeSync(`/sys/fs/cgroup/${name}${path}/${box.id}-a`);
  }
});

rootTest("create() refuses a cgroup with processes of others, and lets it be", async () => {
  await using box = sandbox();
  using parent = parentCgroup(box);
  const other = new Deno.Command("sleep", { args: ["100"] }).spawn();
  try {
    parent.write("devices/cgroup.procs", String(other.pid));
    const line = await box.refused({});
    assert(line.includes("container's cgroup is not empty: 1 process(es) found"), line);
    assertEquals(cgroupFile(box, "devices/cgroup.procs"), String(other.pid));
  } finally {
    other.kill("SIGKILL");
    await other.status;
  }
});

rootTest("create() refuses a frozen cgroup", async () => {
  await using box = sandbox();
  using parent = parentCgroup(box);
  parent.write("freezer/freezer.state", "FROZEN");
  const line = await box.refused({});
  assert(line.includes("container's cgroup unexpectedly frozen"), line);
});

rootTest("create() that fails leaves the directories that were there, and no others", async () => {
  await using box = sandbox({ "process.args": ["/nowhere"] });
  using _parent = parentCgroup(box);
  await box.refused({ "linux.cgroupsPath": `${box.cgroup}/a/b` });
  for (const name of HIERARCHIES) {
    assert(exists(`/sys/fs/cgroup/${name}${box.cgroup}`), name);
    assert(!exists(`/sys/fs/cgroup/${name}${box.cgroup}/a`), name);
  }
});

rootTest("create() fills the cpusets above its own", async () => {
  await using box = sandbox();
  using _parent = parentCgroup(box);
  assertEquals(cgroupFile(box, "cpuset/cpuset.cpus"), "");
  await box.create({ "linux.cgroupsPath": `${box.cgroup}/a/b`, "linux.resources.cpu": { cpus: "0" } });
  assertEquals(cgroupFile(box, "cpuset/cpuset.cpus", "a/b"), "0");
  assertEquals(cgroupFile(box, "cpuset/cpuset.mems", "a/b"), "0");
  assert(cgroupFile(box, "cpuset/cpuset.cpus", "a") !== "");
  await box.ok("delete", "--force", box.id);
  for (const name of HIERARCHIES) Deno.removeSync(`/sys/fs/cgroup/${name}${box.cgroup}/a`);
});

rootTest("delete() removes the cgroups that the container has made in its own, threaded ones too", async () => {
  await using box = sandbox();
  const pid = await box.sleeping();
  for (const name of ["memory", "pids", "unified"]) {
    Deno.mkdirSync(`/sys/fs/cgroup/${name}${box.cgroup}/x/y`, { recursive: true });
  }
  Deno.writeTextFileSync(`/sys/fs/cgroup/unified${box.cgroup}/x/cgroup.type`, "threaded", { create: false });
  Deno.writeTextFileSync(`/sys/fs/cgroup/memory${box.cgroup}/x/y/cgroup.procs`, String(pid), { create: false });
  await box.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("kill() with --all reaches every process, also those in cgroups below", async () => {
  await using box = sandbox({ "linux.namespaces": [{ type: "mount" }, { type: "uts" }, { type: "ipc" }] });
  const script = "trap 'exit 0' TERM; (trap '' TERM; while :; do sleep 0.1; done) & while :; do sleep 0.1; done";
  await box.sleeping({ "process.args": ["sh", "-c", script] });
  const pids = () => cgroupFile(box, "devices/cgroup.procs").split("\n").filter((line) => line !== "");
  while (pids().length < 3) await sleep(10);
  await box.ok("kill", "--all", box.id, "KILL");
  await box.reaches("stopped");
  await until(() => pids().length === 0, "the end of all processes");
});

rootTest("create() says when memory was not enough to start", async () => {
  await using box = sandbox();
  const line = await box.refused({ "linux.resources.memory": { limit: 4096, swap: 4096 } });
  assert(line.includes("container init was OOM-killed (memory limit too low?)"), line);
  assert(line.includes("limit 4096 bytes, peak 4096"), line);
  assertEquals(box.leftovers(), []);
});

rootTest("run() starts a program with one process allowed, and within 512 KiB", async () => {
  await using box = sandbox();
  const resources = { memory: { limit: 512 * 1024, swap: 512 * 1024 }, pids: { limit: 1 } };
  assertEquals(await box.shell("echo here", { "linux.resources": resources }), "here\n");
});
