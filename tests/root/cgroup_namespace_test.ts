// What a container sees of its cgroups: with a cgroup namespace, without, and with that of another.
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { defaultSpec } from "../../core/spec/defaults.ts";
import type { Mount } from "../../core/spec/types.ts";
import { type Changes, namespaces, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";
import { cgroupFile, hierarchies, parentCgroup } from "./support/cgroups.ts";

const PLAIN = namespaces("pid", "network", "ipc", "uts", "mount");
const MOUNTS = defaultSpec({ cgroupV2: false }).mounts ?? [];

/** The default mounts with /sys/fs/cgroup mounted so. */
function cgroupMount(...options: string[]): Changes {
  const mounts = MOUNTS.map((mount): Mount => mount.type === "cgroup" ? { ...mount, options } : mount);
  return { mounts };
}

const LIMIT: Changes = { "linux.resources.memory": { limit: 33554432 } };

rootTest("a cgroup namespace has the container's cgroup for its root", async () => {
  await using box = sandbox({ "linux.namespaces": [...PLAIN, { type: "cgroup" }], ...LIMIT });
  const output = await box.shell(
    "cat /proc/self/cgroup; cat /sys/fs/cgroup/memory/memory.limit_in_bytes; ls /sys/fs/cgroup",
  );
  const lines = output.trimEnd().split("\n");
  const cgroups = lines.filter((line) => /^\d+:/.test(line));
  assertEquals(cgroups.filter((line) => !line.endsWith(":/")), []);
  const rest = lines.slice(cgroups.length);
  assertEquals(rest[0], "33554432");
  assertEquals(rest.slice(1), ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "systemd"]);
});

rootTest("without a cgroup namespace the container sees the host's paths, and of the files its own", async () => {
  await using box = sandbox({ "linux.namespaces": PLAIN, ...LIMIT });
  const script = "readlink /proc/self/ns/cgroup; grep :memory: /proc/self/cgroup; " +
    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes; cat /sys/fs/cgroup/memory/cgroup.procs";
  const [namespace, line, limit, first] = (await box.shell(script)).trimEnd().split("\n");
  assertEquals(namespace, Deno.readLinkSync("/proc/self/ns/cgroup"));
  assert(line?.endsWith(`:memory:${box.cgroup}`), line);
  assertEquals([limit, first], ["33554432", "1"]);
});

rootTest("a mount of type cgroup is as read-only as it is asked for", async () => {
  await using box = sandbox({ "linux.namespaces": [...PLAIN, { type: "cgroup" }] });
  const script = "grep -c ' /sys/fs/cgroup/.* cgroup ro,' /proc/self/mounts; " +
    "mkdir /sys/fs/cgroup/pids/x && rmdir /sys/fs/cgroup/pids/x && echo made";
  const ro = await box.run({ "process.args": ["sh", "-c", script], ...cgroupMount("nosuid", "nodev", "ro") });
  assertEquals([ro.code, ro.stdout], [1, "9\n"]);
  assertEquals(await box.shell(script, cgroupMount("nosuid", "nodev")), "0\nmade\n");
});

rootTest("a second container may use the cgroup namespace of the first", async () => {
  await using box = sandbox({ "linux.namespaces": [...PLAIN, { type: "cgroup" }] });
  const pid = await box.sleeping();
  const first = Deno.readLinkSync(`/proc/${pid}/ns/cgroup`);
  assertNotEquals(first, Deno.readLinkSync("/proc/self/ns/cgroup"));
  box.configure({
    "linux.namespaces": [...PLAIN, { type: "cgroup", path: `/proc/${pid}/ns/cgroup` }],
    "linux.cgroupsPath": `${box.cgroup}/second`,
    "process.args": ["sh", "-c", "readlink /proc/self/ns/cgroup; grep :pids: /proc/self/cgroup"],
  });
  const [namespace, line] = succeeded(await box.runo(["run", "--bundle", box.bundle, `${box.id}-2`])).split("\n");
  assertEquals(namespace, first);
  assert(line?.endsWith(":pids:/second"), line);
});

rootTest("exec() enters the cgroup of the container, and one below it on demand", async () => {
  await using box = sandbox();
  await box.sleeping();
  const lines = async (...flags: string[]) =>
    (await box.ok("exec", ...flags, box.id, "cat", "/proc/self/cgroup")).trimEnd().split("\n");
  assertEquals((await lines()).filter((line) => !line.endsWith(":/") && !line.endsWith(`:${box.cgroup}`)), []);
  for (const name of ["memory", "pids"]) Deno.mkdirSync(`/sys/fs/cgroup/${name}${box.cgroup}/sub`);
  const below = await lines("--cgroup", "memory,pids:sub");
  const moved = below.filter((line) => line.endsWith("/sub")).map((line) => line.split(":")[1]).sort();
  assertEquals(moved, ["memory", "pids"]);
  const refused = (flag: string) => box.fails(["exec", "--cgroup", flag, box.id, "true"], 255);
  assert((await refused("nonsense:sub")).includes("unknown controller nonsense"));
  assert((await refused("pids:../x")).includes("bad sub cgroup path"));
});

/** Moves a process into another cgroup of these hierarchies, and removes the one that it was in. */
function move(box: Sandbox, pid: number, names: readonly string[]): Disposable {
  const directories = names.map((name) => `/sys/fs/cgroup/${name}${box.cgroup}`);
  for (const directory of directories) {
    Deno.mkdirSync(`${directory}/moved`);
    if (directory.includes("/cpuset/")) {
      for (const file of ["cpuset.cpus", "cpuset.mems"]) {
        Deno.copyFileSync(`${directory}/c/${file}`, `${directory}/moved/${file}`);
      }
    }
    Deno.writeTextFileSync(`${directory}/moved/cgroup.procs`, String(pid), { create: false });
    Deno.removeSync(`${directory}/c`);
  }
  return { [Symbol.dispose]: () => directories.forEach((directory) => Deno.removeSync(`${directory}/moved`)) };
}

// runc fails there: "error adding pid to cgroups: ... no such file or directory"
rootTest("exec() follows an init that was moved, in every hierarchy where its cgroup is gone", async () => {
  for (const names of [["memory", "pids"], hierarchies()]) {
    await using box = sandbox();
    using _parent = parentCgroup(box);
    const pid = await box.sleeping({ "linux.cgroupsPath": `${box.cgroup}/c` });
    using _moved = move(box, pid, names);
    const theirs = Deno.readTextFileSync(`/proc/${pid}/cgroup`);
    assertEquals(theirs.trimEnd().split("\n").filter((line) => line.endsWith("/moved")).length, names.length);
    const sleeper = ["exec", "--detach", "--pid-file", `${box.dir}/pid`, box.id, "sleep", "1000"];
    await box.ok(...sleeper);
    const executed = Deno.readTextFileSync(`${box.dir}/pid`);
    assertEquals(Deno.readTextFileSync(`/proc/${executed}/cgroup`), theirs);
    assertEquals(cgroupFile(box, "pids/cgroup.procs", "moved"), `${pid}\n${executed}`);
    await box.ok("delete", "--force", box.id);
  }
});

rootTest("exec() stays in the container's cgroup while there is one, wherever init has moved to", async () => {
  await using box = sandbox();
  const pid = await box.sleeping();
  Deno.mkdirSync(`/sys/fs/cgroup/pids${box.cgroup}/sub`);
  Deno.writeTextFileSync(`/sys/fs/cgroup/pids${box.cgroup}/sub/cgroup.procs`, String(pid), { create: false });
  await box.ok("exec", "--detach", "--pid-file", `${box.dir}/pid`, box.id, "sleep", "1000");
  assertEquals(cgroupFile(box, "pids/cgroup.procs"), Deno.readTextFileSync(`${box.dir}/pid`));
});
