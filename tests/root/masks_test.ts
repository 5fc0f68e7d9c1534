import { assertEquals, assertStringIncludes } from "@std/assert";

import { rootTest, sandbox } from "./harness.ts";

rootTest("run() masks directories with an empty read-only tmpfs and files with /dev/null", async () => {
  await using box = sandbox();
  box.file("secret/file", "x");
  box.file("etc/secret", "x");
  const changes = { "linux.maskedPaths": ["/secret", "/etc/secret", "/not/there", "/proc/keys"] };
  const script =
    "ls -A /secret | wc -l; wc -c </etc/secret; wc -c </proc/keys; touch /secret/x 2>/dev/null || echo read-only; ls -d /not 2>/dev/null; true";
  assertEquals(await box.shell(script, changes), "0\n0\n0\nread-only\n");
  assertEquals(Deno.readTextFileSync(`${box.rootfs}/secret/file`), "x");
});

rootTest("run() masks what the default config masks", async () => {
  await using box = sandbox();
  const script =
    "for f in /proc/keys /proc/timer_list /proc/kcore; do test -e $f && wc -c <$f; done; ls -A /sys/firmware /proc/acpi 2>/dev/null | grep -v : | grep . ; true";
  assertEquals(new Set((await box.shell(script)).trim().split("\n")), new Set(["0"]));
});

rootTest("run() refuses to mask with a /dev/null that is none", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/dev`);
  Deno.symlinkSync("/proc/sys/kernel/core_pattern", `${box.dir}/dev/null`);
  const mounts = [{ destination: "/proc", type: "proc" }, {
    destination: "/dev",
    source: `${box.dir}/dev`,
    options: ["bind"],
  }];
  const pattern = Deno.readTextFileSync("/proc/sys/kernel/core_pattern");
  assertStringIncludes(
    await box.refused({ mounts, "linux.maskedPaths": ["/proc/kcore"] }),
    "container's /dev/null is invalid",
  );
  Deno.removeSync(`${box.dir}/dev/null`);
  Deno.writeTextFileSync(`${box.dir}/dev/null`, "");
  assertStringIncludes(
    await box.refused({ mounts, "linux.maskedPaths": ["/proc/kcore"] }),
    "container's /dev/null is invalid",
  );
  Deno.removeSync(`${box.dir}/dev/null`);
  assertStringIncludes(
    await box.refused({ mounts, "linux.maskedPaths": ["/proc/kcore"] }),
    "container's /dev/null is invalid",
  );
  assertEquals(Deno.readTextFileSync("/proc/sys/kernel/core_pattern"), pattern);
});

rootTest("run() makes paths read-only and keeps the flags of their mounts", async () => {
  await using box = sandbox();
  box.file("data/file", "x\n");
  const changes = {
    "linux.readonlyPaths": ["/data", "/proc/sys", "/sys/kernel", "/not/there", "/etc/passwd", "/dev/shm"],
    "process.args": [
      "sh",
      "-c",
      "cat /data/file; for f in /data/x /proc/sys/kernel/domainname /etc/passwd /dev/shm/x; do echo x 2>/dev/null >$f || echo no; done; grep -E ' (/data|/dev/shm) ' /proc/mounts | cut -d' ' -f2,4",
    ],
  };
  const printed = (await box.shell(changes["process.args"][2]!, changes)).trim().split("\n");
  assertEquals(printed.slice(0, 5), ["x", "no", "no", "no", "no"]);
  assertEquals(printed.at(-1)!.startsWith("/dev/shm ro,nosuid,nodev,noexec"), true, printed.at(-1));
});

rootTest("run() follows links to masked and read-only paths in the root only", async () => {
  await using box = sandbox();
  box.file("real/file", "x\n");
  Deno.symlinkSync("/real", `${box.rootfs}/masked`);
  Deno.symlinkSync("../../real/file", `${box.rootfs}/etc/readonly`);
  assertEquals(await box.shell("ls -A /real", { "linux.maskedPaths": ["/masked"] }), "");
  const changes = { "linux.maskedPaths": [], "linux.readonlyPaths": ["/etc/readonly"] };
  assertEquals(await box.shell("echo y 2>/dev/null >/real/file || cat /real/file", changes), "x\n");
});

rootTest("run() refuses masked and read-only paths without a mount namespace", async () => {
  await using box = sandbox({ "linux.namespaces": [{ type: "pid" }], hostname: undefined });
  const message = await box.refused({ "linux.maskedPaths": ["/proc/keys"] });
  assertStringIncludes(message, "MNT namespace");
});
