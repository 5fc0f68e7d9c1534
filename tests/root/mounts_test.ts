import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { awaiting, type Changes, exists, failed, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";

const BASE = [
  { destination: "/proc", type: "proc" },
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
];

/** A config with these mounts beside /proc and /dev. */
function mounts(...list: readonly Record<string, unknown>[]): Changes {
  return { mounts: [...BASE, ...list] };
}

/** A directory of the sandbox with a file in it. */
function source(box: Sandbox): string {
  Deno.mkdirSync(`${box.dir}/source`, { recursive: true });
  Deno.writeTextFileSync(`${box.dir}/source/file`, "from the host\n");
  return `${box.dir}/source`;
}

rootTest("run() binds directories and files, and makes their targets", async () => {
  await using box = sandbox();
  const dir = source(box);
  const printed = await box.shell(
    "cat /new/deep/dir/file /new/file /etc/passwd; test -f /new/file && test -d /new/deep/dir",
    mounts(
      { destination: "/new/deep/dir", source: dir, options: ["bind"] },
      { destination: "/new/file", source: `${dir}/file`, type: "none", options: ["rbind"] },
      { destination: "/etc/passwd", source: `${dir}/file`, type: "bind" },
    ),
  );
  assertEquals(printed, "from the host\n".repeat(3));
  const mode = (path: string) => (Deno.statSync(`${box.rootfs}/${path}`).mode ?? 0) & 0o7777;
  assertEquals([mode("new"), mode("new/deep"), mode("new/deep/dir"), mode("new/file")], [0o755, 0o755, 0o755, 0o644]);
});

rootTest("run() takes relative bind sources from the bundle and relative destinations from the root", async () => {
  await using box = sandbox();
  Deno.writeTextFileSync(`${box.bundle}/beside`, "beside\n");
  const mount = { destination: "/in/root", source: "beside", options: ["bind"] };
  assertEquals(await box.shell("cat /in/root", mounts(mount)), "beside\n");
  // allowed, but odd enough for a warning
  const changes = { ...mounts({ ...mount, destination: "in/root" }), "process.args": ["cat", "/in/root"] };
  const { code, stdout, stderr } = await box.run(changes);
  assertEquals([code, stdout], [0, "beside\n"]);
  assertStringIncludes(stderr, "is not absolute");
});

rootTest("run() follows links to a bind source, and links to a target inside the root only", async () => {
  await using box = sandbox();
  Deno.symlinkSync(source(box), `${box.dir}/link`);
  Deno.mkdirSync(`${box.dir}/victim`);
  Deno.mkdirSync(`${box.rootfs}${box.dir}/victim`, { recursive: true });
  Deno.symlinkSync(`${box.dir}/victim`, `${box.rootfs}/absolute`);
  Deno.symlinkSync("../../../../../../../../tmp", `${box.rootfs}/up`);
  const printed = await box.shell(
    `cat ${box.dir}/victim/file /tmp/below/file`,
    mounts(
      { destination: "/absolute", source: `${box.dir}/link`, options: ["bind"] },
      { destination: "/up/below", source: `${box.dir}/link`, options: ["bind"] },
    ),
  );
  assertEquals(printed, "from the host\n".repeat(2));
  assertEquals([...Deno.readDirSync(`${box.dir}/victim`)], []);
  assert(!exists("/tmp/below"));
  // one that leads nowhere yet: made inside the root
  Deno.symlinkSync("/no/where", `${box.rootfs}/dangling`);
  const dangling = mounts({ destination: "/dangling", source: source(box), options: ["bind"] });
  assertEquals(await box.shell("cat /no/where/file", dangling), "from the host\n");
  assert(!exists("/no"));
});

rootTest("run() names a bind source that is missing, and both ends of one that does not fit", async () => {
  await using box = sandbox();
  const dir = source(box);
  const missing = await box.refused(mounts({ destination: "/mnt", source: "/no/such/source", options: ["bind"] }));
  assertStringIncludes(missing, '"/no/such/source"');
  assertStringIncludes(missing, "no such file or directory");
  const file = await box.refused(mounts({ destination: "/mnt", source: `${dir}/file`, options: ["bind"] }));
  assertStringIncludes(file, "not a directory");
  const directory = await box.refused(mounts({ destination: "/etc/passwd", source: dir, options: ["bind"] }));
  assertStringIncludes(directory, "not a directory");
  const below = await box.refused(mounts({ destination: "/etc/passwd/below", source: dir, options: ["bind"] }));
  assertStringIncludes(below, "not a directory");
});

rootTest(
  "run() names the file system that the kernel does not know, and the option that it does not take",
  async () => {
    await using box = sandbox();
    const unknown = await box.refused(mounts({ destination: "/mnt", type: "nosuchfs", source: "x" }));
    assertStringIncludes(unknown, '"nosuchfs"');
    assertStringIncludes(unknown, "ENODEV");
    const option = await box.refused(mounts({ destination: "/mnt", type: "tmpfs", options: ["no-such-option=1"] }));
    assertStringIncludes(option, "no-such-option");
    assertStringIncludes(option, "/mounts/2");
    assertStringIncludes(await box.refused(mounts({ destination: "/", type: "tmpfs" })), "/mounts/2/destination");
    const data = await box.refused(mounts({ destination: "/mnt", source: "/tmp", options: ["bind", "size=1k"] }));
    assertStringIncludes(data, "size=1k");
  },
);

rootTest("run() mounts in the order of the config", async () => {
  await using box = sandbox();
  const printed = await box.shell(
    "ls /mnt /mnt/b; cat /mnt/b/file",
    mounts(
      { destination: "/mnt", type: "tmpfs" },
      { destination: "/mnt/a", type: "tmpfs" },
      { destination: "/mnt/b", source: source(box), options: ["bind"] },
    ),
  );
  assertEquals(printed, "/mnt:\na\nb\n\n/mnt/b:\nfile\nfrom the host\n");
});

rootTest("run() gives a tmpfs the mode of what it covers unless an option says more", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.rootfs}/covered`);
  Deno.chmodSync(`${box.rootfs}/covered`, 0o710);
  const mode = (destination: string, ...options: readonly string[]) =>
    box.shell(`stat -c %a ${destination}`, mounts({ destination, type: "tmpfs", options }));
  assertEquals(await mode("/covered"), "710\n");
  // an option of the file system: who reads them there sees what counts
  const shown = await box.shell(
    "grep -o ' /covered .*' /proc/mounts",
    mounts({ destination: "/covered", type: "tmpfs" }),
  );
  assertStringIncludes(shown, ",mode=710");
  assertEquals(await mode("/covered", "mode=1750"), "1750\n");
  assertEquals(await mode("/not/there"), "1777\n");
});

rootTest("run() copies into a tmpfs what it covers: tmpcopyup", async () => {
  await using box = sandbox();
  box.file("full/sub/deep", "content\n");
  box.file("full/script", "#!/bin/sh\n");
  Deno.symlinkSync("sub/deep", `${box.rootfs}/full/link`);
  Deno.chmodSync(`${box.rootfs}/full/sub`, 0o2750);
  Deno.chownSync(`${box.rootfs}/full/sub/deep`, 1000, 1001);
  Deno.chmodSync(`${box.rootfs}/full`, 0o711);
  const script =
    "cd /full; stat -c '%a %u %g' . sub sub/deep script; readlink link; cat link; grep -c ' /full ' /proc/mounts; touch new";
  const printed = await box.shell(script, mounts({ destination: "/full", type: "tmpfs", options: ["tmpcopyup"] }));
  assertEquals(printed, "711 0 0\n2750 0 0\n644 1000 1001\n755 0 0\nsub/deep\ncontent\n1\n");
  assert(!exists(`${box.rootfs}/full/new`));
});

rootTest("run() copies up through a link that stays in the root", async () => {
  await using box = sandbox();
  box.file("real/file", "x\n");
  Deno.symlinkSync("/real", `${box.rootfs}/link`);
  Deno.mkdirSync(`${box.rootfs}/proc`, { recursive: true });
  assertEquals(
    await box.shell(
      "cat /real/file /link/file",
      mounts({ destination: "/link", type: "tmpfs", options: ["tmpcopyup"] }),
    ),
    "x\nx\n",
  );
});

rootTest("run() makes a read-only tmpfs after all mount points in it are made", async () => {
  await using box = sandbox();
  const script = "cat /mnt/sub/file; touch /mnt/x 2>/dev/null || echo read-only; touch /dev/x 2>/dev/null || echo too";
  const changes = {
    mounts: [
      { destination: "/proc", type: "proc" },
      { destination: "/dev", type: "tmpfs", options: ["ro"] },
      { destination: "/mnt", type: "tmpfs", options: ["ro"] },
      { destination: "/mnt/sub", source: source(box), options: ["bind"] },
    ],
  };
  assertEquals(await box.shell(script, changes), "from the host\nread-only\ntoo\n");
});

rootTest("run() mounts proc and sysfs on ordinary directories only", async () => {
  await using box = sandbox();
  for (const [type, destination] of [["proc", "/proc"], ["sysfs", "/sys"]] as const) {
    const list = { mounts: [{ destination, type }], "linux.maskedPaths": [], "linux.readonlyPaths": [] };
    const words = `filesystem "${type}" must be mounted on ordinary directory`;
    Deno.removeSync(box.rootfs + destination);
    Deno.mkdirSync(`${box.rootfs}/elsewhere`, { recursive: true });
    Deno.symlinkSync("/elsewhere", box.rootfs + destination);
    assertEquals((await box.refused(list)).includes(words), true);
    Deno.removeSync(box.rootfs + destination);
    Deno.writeTextFileSync(box.rootfs + destination, "");
    assertEquals((await box.refused(list)).includes(words), true);
    Deno.removeSync(box.rootfs + destination);
    succeeded(await box.run(list));
  }
});

rootTest("run() lets nothing be mounted inside /proc, not even through a link of the image", async () => {
  await using box = sandbox();
  const inside = (destination: string) => mounts({ destination, source: source(box), options: ["bind"] });
  assertStringIncludes(await box.refused(inside("/proc/sys")), "inside /proc");
  assertStringIncludes(await box.refused(inside("/proc/../proc/self/attr")), "inside /proc");
  Deno.symlinkSync("/proc/sys", `${box.rootfs}/link`);
  assertStringIncludes(await box.refused(inside("/link")), "inside /proc");
  assertStringIncludes(await box.refused(inside("/link/kernel")), "inside /proc");
  const tmpfs = mounts({ destination: "/link", type: "tmpfs" });
  assertStringIncludes(await box.refused(tmpfs), "inside /proc");
  const uptime = mounts({ destination: "/proc/uptime", source: `${source(box)}/file`, options: ["bind"] });
  assertEquals(await box.shell("cat /proc/uptime", uptime), "from the host\n");
});

rootTest("run() binds nothing but a procfs to /proc", async () => {
  await using box = sandbox();
  const proc = (from: string) => ({
    mounts: [{ destination: "/proc", source: from, options: ["rbind"] }],
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
  });
  assertStringIncludes(await box.refused(proc(source(box))), "not of type proc");
  assertEquals(await box.shell("test -e /proc/self/stat && echo here", proc("/proc")), "here\n");
});

rootTest("run() remounts what is there", async () => {
  await using box = sandbox();
  const list = mounts(
    { destination: "/mnt", type: "tmpfs", source: "x", options: ["size=64k"] },
    { destination: "/mnt", type: "tmpfs", source: "x", options: ["remount", "size=128k", "nosuid"] },
    { destination: "/var", source: source(box), options: ["bind"] },
    { destination: "/var", options: ["bind", "remount", "ro"] },
  );
  const lines = (await box.shell("grep -E ' /(mnt|var) ' /proc/mounts; touch /var/x 2>/dev/null || echo ro", list))
    .split("\n");
  assertStringIncludes(lines[0]!, "rw,nosuid,relatime,size=128k");
  assertStringIncludes(lines[1]!, "ro,");
  assertEquals(lines[2], "ro");
});

rootTest("run() sets the propagation of mounts", async () => {
  await using box = sandbox();
  const seen = async (option: string) => {
    const list = mounts({ destination: "/mnt", source: source(box), options: ["bind", option] });
    const fields = (await box.shell("grep ' /mnt ' /proc/self/mountinfo", list)).split(" - ")[0]!.split(" ").slice(6);
    return fields.map((field) => field.replace(/:\d+/, "")).join(" ");
  };
  assertEquals(await seen("private"), "");
  assertEquals(await seen("rshared"), "shared");
  assertEquals(await seen("unbindable"), "unbindable");
  assertEquals(await seen("slave"), "");
});

rootTest("run() lets mounts of the host through to a slave", async () => {
  await using box = sandbox();
  const dir = source(box);
  Deno.mkdirSync(`${dir}/sub`);
  const script = "touch /tmp/ready; until test -e /mnt/sub/here; do usleep 10000; done; echo came through";
  box.configure({
    ...mounts({ destination: "/mnt", source: dir, options: ["rbind", "rslave"] }),
    "process.args": ["sh", "-c", script],
  });
  const ready = awaiting(`${box.rootfs}/tmp/ready`);
  const later = `(${ready}; mount -t tmpfs x ${dir}/sub; touch ${dir}/sub/here) & true`;
  const setup = `mount --bind ${dir} ${dir}; mount --make-shared ${dir}; ${later}`;
  const result = await box.runo(["run", "--bundle", box.bundle, box.id], { mounts: setup });
  assertEquals(succeeded(result), "came through\n");
});

rootTest("run() mounts mqueue, devpts, shm and sysfs as the default config asks", async () => {
  await using box = sandbox();
  const printed = await box.shell(
    "stat -f -c %T /dev/pts /dev/shm /dev/mqueue /sys /proc; grep ' /dev/pts ' /proc/mounts",
  );
  const [pts, shm, mqueue, sys, proc, line] = printed.split("\n");
  assertEquals([pts, shm, sys, proc], ["devpts", "tmpfs", "sysfs", "proc"]);
  assert(mqueue !== "tmpfs", mqueue);
  assertStringIncludes(line!, "gid=5,mode=620,ptmxmode=666");
});

rootTest("run() takes option values of any length", async () => {
  await using box = sandbox();
  const layers = Array.from({ length: 12 }, (_, i) => `${box.dir}/layer-with-a-rather-long-name-${i}`);
  for (const [i, layer] of layers.entries()) {
    Deno.mkdirSync(layer);
    Deno.writeTextFileSync(`${layer}/f${i}`, "");
  }
  const list = mounts({
    destination: "/mnt",
    type: "overlay",
    source: "overlay",
    options: [`lowerdir=${layers.join(":")}`, "ro", "nodev"],
  });
  assertEquals(
    (await box.shell("ls /mnt | wc -l; grep -c ' /mnt overlay ro,nodev' /proc/mounts", list)).trim(),
    "12\n1",
  );
});

rootTest("run() says that a mount point is missing in a read-only root file system", async () => {
  await using box = sandbox();
  const setup = `mount --bind ${box.rootfs} ${box.rootfs}; mount -o remount,bind,ro ${box.rootfs}`;
  box.configure(mounts({ destination: "/not/there", type: "tmpfs" }));
  const message = failed(await box.runo(["run", "--bundle", box.bundle, box.id], { mounts: setup }));
  assertStringIncludes(message, "EROFS");
  assertStringIncludes(message, "/not/there");
});

rootTest("run() has as many mounts as it is asked for", async () => {
  await using box = sandbox();
  const many = Array.from(
    { length: 120 },
    (_, i) => ({ destination: `/mnt/m${i}`, source: source(box), options: ["bind", "ro"] }),
  );
  assertEquals(
    (await box.shell("ls /mnt | wc -l", mounts({ destination: "/mnt", type: "tmpfs" }, ...many))).trim(),
    "120",
  );
});
