import { assertEquals, assertStringIncludes } from "@std/assert";

import { exists, map, namespaces, rootTest, sandbox } from "./harness.ts";

const ALLOW_ALL = { "linux.resources.devices": [{ allow: true, access: "rwm" }] };

rootTest("run() makes the devices and links that every container has", async () => {
  await using box = sandbox();
  const names = ["null", "zero", "full", "random", "urandom", "tty"];
  const printed = await box.shell(
    `cd /dev; stat -c '%n %t:%T %a %u:%g %F' ${
      names.join(" ")
    }; for l in fd stdin stdout stderr ptmx core; do readlink $l || true; done`,
  );
  assertEquals(printed.trim().split("\n"), [
    "null 1:3 666 0:0 character special file",
    "zero 1:5 666 0:0 character special file",
    "full 1:7 666 0:0 character special file",
    "random 1:8 666 0:0 character special file",
    "urandom 1:9 666 0:0 character special file",
    "tty 5:0 666 0:0 character special file",
    "/proc/self/fd",
    "/proc/self/fd/0",
    "/proc/self/fd/1",
    "/proc/self/fd/2",
    "pts/ptmx",
    ...exists("/proc/kcore") ? ["/proc/kcore"] : [],
  ]);
  const used = "echo x >/dev/null; head -c 2 /dev/zero | od -An -tx1; echo x 2>/dev/null >/dev/full || echo full";
  assertEquals(await box.shell(used), " 00 00\nfull\n");
});

rootTest("run() makes the devices of the config, with type, mode and owner", async () => {
  await using box = sandbox(ALLOW_ALL);
  const devices = [
    { path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 0o640, uid: 1000, gid: 1001 },
    { path: "/dev/sub/loop", type: "b", major: 7, minor: 300, fileMode: 0o600 },
    { path: "/etc/fifo", type: "p", fileMode: 0o622 },
    { path: "/dev/unbuffered", type: "u", major: 1, minor: 3 },
    { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600 },
  ];
  const script = "stat -c '%n %t:%T %a %u:%g %F' /dev/kmsg /dev/sub/loop /etc/fifo /dev/unbuffered /dev/null";
  const expected = [
    "/dev/kmsg 1:b 640 1000:1001 character special file",
    "/dev/sub/loop 7:12c 600 0:0 block special file",
    "/etc/fifo 0:0 622 0:0 fifo",
    "/dev/unbuffered 1:3 666 0:0 character special file",
    "/dev/null 1:3 600 0:0 character special file",
  ];
  assertEquals((await box.shell(script, { "linux.devices": devices })).trim().split("\n"), expected);
  // once more: what is in the root file system is there already
  assertEquals((await box.shell(script, { "linux.devices": devices })).trim().split("\n"), expected);
});

rootTest("run() refuses to take another file for the device", async () => {
  await using box = sandbox(ALLOW_ALL);
  box.file("etc/device", "a file\n");
  const device = (rest: Record<string, unknown>) => ({ "linux.devices": [{ path: "/etc/device", ...rest }] });
  const message = await box.refused(device({ type: "c", major: 1, minor: 3 }));
  assertStringIncludes(message, '"/etc/device"');
  assertStringIncludes(message, "another file is there already");
  assertStringIncludes(await box.refused(device({ type: "p" })), "another file is there already");
});

rootTest("run() binds the host's devices in a user namespace", async () => {
  await using box = sandbox({
    "linux.namespaces": namespaces("pid", "mount", "ipc", "uts", "network", "user"),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
  });
  const printed = await box.shell(
    "echo x >/dev/null; head -c 1 /dev/zero | od -An -tx1; stat -c '%t:%T' /dev/null /dev/zero /dev/tty; stat -c %F /dev/fifo",
    {
      "linux.devices": [{ path: "/dev/fifo", type: "p", fileMode: 0o600 }],
    },
  );
  assertEquals(printed, " 00\n1:3\n1:5\n5:0\nfifo\n");
});

rootTest("run() keeps ptmx the container's own when the config asks for the device", async () => {
  await using box = sandbox(ALLOW_ALL);
  new Deno.Command("chown", { args: ["-R", "100000:100000", box.rootfs] }).outputSync();
  const devices = [{ path: "/dev/ptmx", type: "c", major: 5, minor: 2 }];
  const used = "readlink /dev/ptmx; exec 3<>/dev/ptmx; ls /dev/pts";
  assertEquals(await box.shell(used, { "linux.devices": devices }), "pts/ptmx\n0\nptmx\n");
  const inUserNamespace = await box.shell(used, {
    "linux.devices": devices,
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "user"),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
  });
  assertEquals(inUserNamespace, "pts/ptmx\n0\nptmx\n");
});

rootTest("run() makes no devices where /dev is the host's", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/dev`);
  const mounts = [{ destination: "/proc", type: "proc" }, {
    destination: "/dev",
    source: `${box.dir}/dev`,
    options: ["bind"],
  }];
  assertEquals(await box.shell("ls -A /dev", { mounts, "linux.maskedPaths": [] }), "");
});

rootTest("run() makes devices in the root, whatever links the image has", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/victim`);
  Deno.writeTextFileSync(`${box.dir}/victim/ptmx`, "survives");
  Deno.removeSync(`${box.rootfs}/dev`);
  Deno.symlinkSync(`${box.dir}/victim`, `${box.rootfs}/dev`);
  Deno.mkdirSync(`${box.rootfs}${box.dir}/victim`, { recursive: true });
  const mounts = [{ destination: "/proc", type: "proc" }];
  assertEquals(await box.shell(`ls ${box.dir}/victim | grep -c null`, { mounts, "linux.maskedPaths": [] }), "1\n");
  assertEquals([...Deno.readDirSync(`${box.dir}/victim`)].map(({ name }) => name), ["ptmx"]);
  assertEquals(Deno.readTextFileSync(`${box.dir}/victim/ptmx`), "survives");
});
