import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { awaiting, exists, failed, namespaces, rootTest, sandbox, succeeded } from "./harness.ts";

rootTest("run() makes the root file system read-only", async () => {
  await using box = sandbox({ "root.readonly": true });
  assertEquals(
    await box.shell("touch /x 2>/dev/null || echo read-only; touch /dev/x /tmp/x 2>/dev/null; ls /dev/x"),
    "read-only\n/dev/x\n",
  );
  assert(!exists(`${box.rootfs}/x`));
  assertEquals(await box.shell("touch /x && echo writable", { "root.readonly": false }), "writable\n");
  assert(exists(`${box.rootfs}/x`));
});

rootTest("run() takes an absolute and a relative root.path", async () => {
  await using box = sandbox();
  box.file("etc/mark", "this root\n");
  for (const path of ["rootfs", "./rootfs/", "../bundle/rootfs", box.rootfs]) {
    assertEquals(await box.shell("cat /etc/mark", { "root.path": path }), "this root\n", path);
  }
});

rootTest("run() refuses a root.path that is missing, no directory, or a link", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "root.path": "no-such-dir" }), "no-such-dir");
  assertStringIncludes(await box.refused({ "root.path": "config.json" }), "config.json");
  Deno.symlinkSync("rootfs", `${box.bundle}/link`);
  assertStringIncludes(await box.refused({ "root.path": "link" }), "not an absolute path, or a symlink");
});

rootTest("run() keeps the container's mounts from the host", async () => {
  await using box = sandbox();
  const before = Deno.readTextFileSync("/proc/self/mountinfo");
  await box.sleeping();
  assertEquals(Deno.readTextFileSync("/proc/self/mountinfo"), before);
});

/** The fields of propagation of the container's root: "shared:1 master:2", without the numbers. */
async function propagation(value: string | undefined): Promise<string> {
  await using box = sandbox();
  const script =
    "while read -r id parent dev root at flags rest; do test $at = / && echo $rest; done </proc/self/mountinfo; true";
  const setup = `mount --bind ${box.dir} ${box.dir}; mount --make-shared ${box.dir}`;
  const result = await box.run({ "process.args": ["sh", "-c", script], "linux.rootfsPropagation": value }, {
    mounts: setup,
  });
  return (succeeded(result).split(" - ")[0] ?? "").replaceAll(/:\d+/g, "").replace(/^- .*/s, "").trim();
}

rootTest("run() sets linux.rootfsPropagation", async () => {
  assertEquals(await propagation("private"), "");
  assertEquals(await propagation("rprivate"), "");
  assertStringIncludes(await propagation("shared"), "shared");
  assertStringIncludes(await propagation("rshared"), "shared");
  assertEquals(await propagation("slave"), "master");
  assertEquals(await propagation("rslave"), "master");
  assertEquals(await propagation(undefined), "master");
  assertEquals(await propagation("unbindable"), "unbindable");
});

rootTest("run() lets mounts of the host into a slave root only", async () => {
  const rows = [["rslave", "yes"], ["slave", "yes"], ["rprivate", "no"], ["rshared", "no"]] as const;
  for (const [value, through] of rows) {
    await using box = sandbox();
    const script =
      "touch /tmp/ready; until test -e /tmp/go; do usleep 10000; done; test -e /mnt/here && echo yes || echo no";
    box.configure({ "linux.rootfsPropagation": value, "process.args": ["sh", "-c", script] });
    const ready = awaiting(`${box.rootfs}/tmp/ready`);
    const later =
      `(${ready}; mount -t tmpfs x ${box.rootfs}/mnt; touch ${box.rootfs}/mnt/here ${box.rootfs}/tmp/go) & true`;
    const setup = `mount --bind ${box.bundle} ${box.bundle}; mount --make-shared ${box.bundle}; ${later}`;
    const result = await box.runo(["run", "--bundle", box.bundle, box.id], { mounts: setup });
    assertEquals(succeeded(result).trim(), through, value);
  }
});

rootTest("run() keeps from the host what is mounted in a shared root", async () => {
  await using box = sandbox({ "linux.rootfsPropagation": "rshared" });
  const caps = ["CAP_SYS_ADMIN"];
  box.configure({
    "process.args": [
      "sh",
      "-ec",
      "mount -t tmpfs x /mnt; touch /mnt/here; mkdir /tmp/done; until test -e /tmp/go; do usleep 10000; done",
    ],
    "process.capabilities": { bounding: caps, effective: caps, permitted: caps },
  });
  const setup = `mount --bind ${box.bundle} ${box.bundle}; mount --make-shared ${box.bundle}`;
  const watch = `(${
    awaiting(`${box.rootfs}/tmp/done`)
  }; ls ${box.rootfs}/mnt >${box.dir}/seen; touch ${box.rootfs}/tmp/go) & true`;
  const result = await box.runo(["run", "--bundle", box.bundle, box.id], {
    mounts: `${setup}; ${watch}`,
  });
  succeeded(result);
  assertEquals(Deno.readTextFileSync(`${box.dir}/seen`), "");
});

rootTest("run --no-pivot works, and hides the host's procfs and sysfs", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "ls / | grep -c bin; grep -c ' /proc ' /proc/mounts"] });
  assertEquals(succeeded(await box.run({}, { args: ["--no-pivot"] })), "1\n1\n");
  const escape = {
    "process.args": ["unshare", "-mrpf", "sh", "-ec", "mount -t proc none /proc; echo escaped"],
    "process.capabilities.bounding": ["CAP_SETFCAP", "CAP_SYS_ADMIN"],
    "process.capabilities.permitted": ["CAP_SETFCAP"],
    "process.capabilities.effective": ["CAP_SETFCAP"],
  };
  const { stdout, code } = await box.run(escape, { args: ["--no-pivot"] });
  assertEquals([stdout, code], ["", 1]);
});

rootTest("run --no-pivot refuses a private root", async () => {
  await using box = sandbox({ "linux.rootfsPropagation": "private" });
  assertStringIncludes(failed(await box.run({}, { args: ["--no-pivot"] })), "no-pivot");
});

rootTest("run() without a mount namespace leaves no mount on the host", async () => {
  await using box = sandbox({
    "linux.namespaces": namespaces("pid", "ipc", "uts", "network"),
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
  });
  assertEquals(await box.shell("test -e /proc/self/stat && ls -d /bin"), "/bin\n");
  assertEquals(box.leftovers(), []);
  await box.sleeping({ "process.args": ["sleep", "1000"] });
  await box.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
});
