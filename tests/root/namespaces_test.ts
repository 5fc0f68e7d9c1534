import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";

import { namespaces, rootTest, sandbox } from "./harness.ts";

const FILES = { pid: "pid", network: "net", mount: "mnt", ipc: "ipc", uts: "uts", cgroup: "cgroup", time: "time" };

/** The namespace of a process: "pid:[4026531836]". */
function link(pid: number | "self", file: string): string {
  return Deno.readLinkSync(`/proc/${pid}/ns/${file}`);
}

rootTest("run() makes new namespaces of all types", async () => {
  await using box = sandbox({ "linux.namespaces": namespaces(...Object.keys(FILES)) });
  const pid = await box.sleeping();
  for (const file of Object.values(FILES)) assertNotEquals(link(pid, file), link("self", file), file);
});

rootTest("run() leaves init in the host's namespaces where the config has none", async () => {
  await using box = sandbox({ "linux.namespaces": namespaces("mount"), hostname: undefined });
  const pid = await box.sleeping();
  const { mount: _, ...others } = FILES;
  for (const file of Object.values(others)) assertEquals(link(pid, file), link("self", file), file);
});

rootTest("run() is pid 1 of a new pid namespace, and not without one", async () => {
  await using box = sandbox();
  assertEquals(await box.shell("echo $$"), "1\n");
  const shared = namespaces("mount", "network", "ipc", "uts");
  assertNotEquals(await box.shell("echo $$", { "linux.namespaces": shared }), "1\n");
});

rootTest("run() joins the namespaces that have a path", async () => {
  const types = namespaces(...Object.keys(FILES));
  await using first = sandbox({ "linux.namespaces": types });
  const pid = await first.sleeping();
  const joined = Object.entries(FILES).filter(([type]) => type !== "mount").map(([type, file]) => ({
    type,
    path: `/proc/${pid}/ns/${file}`,
  }));
  await using second = sandbox();
  const changes = {
    "linux.namespaces": [...joined, { type: "mount" }],
    hostname: undefined,
    "linux.cgroupsPath": `${first.cgroup}/below`,
  };
  const other = await second.sleeping(changes);
  for (const { type, path } of joined) assertEquals(link(other, FILES[type as "pid"]), Deno.readLinkSync(path), type);
  assertNotEquals(link(other, "mnt"), link(pid, "mnt"));
});

rootTest("run() joins a mount namespace by path", async () => {
  await using first = sandbox();
  // one that can see the second bundle: the host's tree in a private copy
  const holder = new Deno.Command("unshare", { args: ["--mount", "--propagation", "private", "sleep", "100"] }).spawn();
  try {
    const own = link("self", "mnt");
    while (link(holder.pid, "mnt") === own) await new Promise((resolve) => setTimeout(resolve, 5));
    const types = [...namespaces("pid", "network", "ipc", "uts"), {
      type: "mount",
      path: `/proc/${holder.pid}/ns/mnt`,
    }];
    const pid = await first.sleeping({ "linux.namespaces": types });
    assertEquals(link(pid, "mnt"), link(holder.pid, "mnt"));
    assertEquals(await first.ok("exec", first.id, "ls", "/").then((text) => text.includes("bin")), true);
  } finally {
    holder.kill("SIGKILL");
    await holder.status;
  }
});

rootTest("run() refuses a namespace path that is missing, or of another type", async () => {
  await using box = sandbox();
  const network = (path: string) => ({
    "linux.namespaces": [...namespaces("pid", "mount", "ipc", "uts"), { type: "network", path }],
  });
  assertStringIncludes(await box.refused(network("/run/no-such-netns")), '"/run/no-such-netns"');
  const wrong = await box.refused(network("/proc/self/ns/uts"));
  assertStringIncludes(wrong, "network namespace");
  assertStringIncludes(await box.refused(network("/etc/passwd")), "network namespace");
  assertStringIncludes(await box.refused({ "linux.namespaces": namespaces("pid", "mount", "pid") }), "duplicated ns");
});

rootTest("run() brings up the loopback device of a new network namespace", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.shell("ifconfig lo"), "UP LOOPBACK RUNNING");
  assertStringIncludes(
    await box.shell("ping -c 1 -W 1 127.0.0.1", {
      "process.capabilities.bounding": ["CAP_NET_RAW"],
      "process.capabilities.effective": ["CAP_NET_RAW"],
      "process.capabilities.permitted": ["CAP_NET_RAW"],
    }),
    "1 packets received",
  );
});

rootTest("run() sees its cgroup as the root of a new cgroup namespace", async () => {
  await using box = sandbox();
  const lines = (await box.shell("cat /proc/self/cgroup")).trim().split("\n");
  for (const line of lines) assert(line.endsWith(":/"), line);
  const shared = await box.shell("readlink /proc/self/ns/cgroup; cat /proc/self/cgroup", {
    "linux.namespaces": namespaces("pid", "mount", "ipc", "uts", "network"),
  });
  assertEquals(shared.split("\n")[0], link("self", "cgroup"));
  assertStringIncludes(shared, `:${box.cgroup}\n`);
});

rootTest("run() sets the offsets of a time namespace", async () => {
  await using box = sandbox({ "linux.namespaces": namespaces("pid", "mount", "ipc", "uts", "network", "time") });
  const offsets = { monotonic: { secs: 7881, nanosecs: 2718281 }, boottime: { secs: 1337, nanosecs: 3141519 } };
  const printed = await box.shell("cat /proc/self/timens_offsets", { "linux.timeOffsets": offsets });
  assertEquals(printed.trim().split("\n").map((line) => line.split(/\s+/).join(" ")), [
    "monotonic 7881 2718281",
    "boottime 1337 3141519",
  ]);
  const uptime = await box.shell("cut -d. -f1 /proc/uptime", {
    "linux.timeOffsets": { boottime: { secs: 1_000_000_000 } },
  });
  assert(Number(uptime) >= 1_000_000_000, uptime);
  const [now = 0] = Deno.readTextFileSync("/proc/uptime").split(".").map(Number);
  const back = await box.shell("cut -d. -f1 /proc/uptime", { "linux.timeOffsets": { boottime: { secs: 1 - now } } });
  assert(Number(back) < now, back);
});

rootTest("run() makes a time namespace without a pid namespace", async () => {
  await using box = sandbox({
    "linux.namespaces": namespaces("mount", "time"),
    hostname: undefined,
    "linux.timeOffsets": { boottime: { secs: 500_000_000 } },
  });
  assert(Number(await box.shell("cut -d. -f1 /proc/uptime")) >= 500_000_000);
});

rootTest("run() refuses time offsets without a new time namespace", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "linux.timeOffsets": { boottime: { secs: 1 } } }), "/linux/timeOffsets");
});

rootTest("run() works without any namespace, and takes its mounts away", async () => {
  await using box = sandbox({
    "linux.namespaces": [],
    hostname: undefined,
    "linux.maskedPaths": undefined,
    "linux.readonlyPaths": undefined,
    mounts: [{ destination: "/proc", type: "proc" }],
  });
  assertEquals(await box.shell("echo in a chroot; ls / | grep -c bin"), "in a chroot\n1\n");
  assertEquals(box.leftovers(), []);
});
