/** Attacks by the root file system: what an image puts where the runtime works. Each has harmed a runtime. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exists, failed, rootTest, type Sandbox, sandbox } from "./harness.ts";
import { Victim } from "./support/victim.ts";

const PROC = { destination: "/proc", type: "proc", source: "proc" };
const SYS = { destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"] };
const DEV = { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] };
const PTS = { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] };

/** Replaces a directory of the image by a link. */
function link(box: Sandbox, path: string, target: string): void {
  Deno.removeSync(`${box.rootfs}/${path}`, { recursive: true });
  Deno.symlinkSync(target, `${box.rootfs}/${path}`);
}

/** A path on the host as an image sees it that guesses where its root file system lies: as many steps up as it takes. */
function outward(path: string): string {
  return `${"../".repeat(32)}${path.slice(1)}`;
}

// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642
rootTest("a /proc or /sys that is a link is refused", async () => {
  for (const [path, type] of [["proc", "proc"], ["sys", "sysfs"]] as const) {
    for (const target of ["/elsewhere", "elsewhere", outward("/tmp")]) {
      await using box = sandbox();
      Deno.mkdirSync(`${box.rootfs}/elsewhere`);
      link(box, path, target);
      const line = await box.refused({ mounts: [PROC, SYS] });
      assertStringIncludes(line, `filesystem "${type}" must be mounted on ordinary directory`);
      assert(!exists(`${box.rootfs}/elsewhere/self`) && !exists(`${box.rootfs}/elsewhere/kernel`));
    }
  }
});

// CVE-2019-16884: labels would be written to files of the image
rootTest("nothing but a procfs comes to /proc, by whatever name", async () => {
  await using box = sandbox();
  const fake = `${box.dir}/fake`;
  Deno.mkdirSync(`${fake}/self/attr`, { recursive: true });
  Deno.writeTextFileSync(`${fake}/self/attr/exec`, "");
  const bind = (destination: string) => ({ destination, type: "bind", source: fake, options: ["bind"] });
  for (const destination of ["/proc", "/proc/", "//proc", "/tmp/../proc", "proc"]) {
    // a relative one is a warning before it is an error
    const { code, stderr } = await box.run({ mounts: [bind(destination)] });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "cannot be mounted because it is not of type proc", destination);
  }
  const tmpfs = { destination: "/proc", type: "tmpfs", source: "tmpfs" };
  assertStringIncludes(await box.refused({ mounts: [tmpfs] }), "cannot be mounted because it is not of type proc");
  for (const destination of ["/proc/self/attr", "/proc/sys", "/proc/self/fd/../attr"]) {
    const line = await box.refused({ mounts: [PROC, bind(destination)] });
    assertStringIncludes(line, "cannot be mounted because it is inside /proc");
  }
  Deno.symlinkSync("/proc", `${box.rootfs}/shortcut`);
  const through = await box.refused({ mounts: [PROC, bind("/shortcut/self/attr")] });
  assertStringIncludes(through, "cannot be mounted because it is inside /proc");
});

// CVE-2019-18837, CVE-2026-41579, CVE-2026-47766
rootTest("a /dev that leads out of the image leads to files of the image", async () => {
  for (const terminal of [false, true]) {
    for (const mounts of [[PROC], [PROC, PTS], [PROC, DEV, PTS]]) {
      await using box = sandbox();
      const victim = new Victim(`${box.dir}/victim`);
      link(box, "dev", victim.dir);
      const result = await box.run({ mounts, "process.terminal": terminal, "process.args": ["true"] });
      victim.assertUntouched(`${mounts.length} mounts: ${result.stderr}`);
      await using other = sandbox();
      const again = new Victim(`${other.dir}/victim`);
      link(other, "dev", outward(again.dir));
      await other.run({ mounts, "process.terminal": terminal, "process.args": ["true"] });
      again.assertUntouched();
    }
  }
});

rootTest("links below /dev are covered, not followed", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  for (const name of ["null", "zero", "console", "ptmx", "pts", "fd", "stdin", "core", "shm", "mqueue"]) {
    Deno.symlinkSync(outward(`${victim.dir}/${name}`), `${box.rootfs}/dev/${name}`);
  }
  for (const terminal of [false, true]) {
    await box.run({ mounts: [PROC], "process.terminal": terminal, "process.args": ["true"] });
    await box.run({ mounts: [PROC, PTS], "process.terminal": terminal, "process.args": ["true"] });
  }
  victim.assertUntouched();
});

// CVE-2025-31133: maskedPaths would be covered by whatever the link names
rootTest("a /dev/null that is none masks nothing: the container does not start", async () => {
  const pattern = "/proc/sys/kernel/core_pattern";
  const before = Deno.readTextFileSync(pattern);
  const kinds: [string, (path: string) => void][] = [
    ["a link to procfs", (path) => Deno.symlinkSync(pattern, path)],
    ["a file", (path) => Deno.writeTextFileSync(path, "")],
    ["a directory", (path) => Deno.mkdirSync(path)],
    ["another device", (path) => new Deno.Command("mknod", { args: [path, "c", "1", "5"] }).outputSync()],
  ];
  for (const [kind, make] of kinds) {
    await using box = sandbox();
    Deno.mkdirSync(`${box.dir}/dev`);
    make(`${box.dir}/dev/null`);
    const line = await box.refused({
      mounts: [PROC, { destination: "/dev", type: "bind", source: `${box.dir}/dev`, options: ["bind"] }],
      "linux.maskedPaths": ["/proc/keys", "/etc/passwd"],
    });
    assertStringIncludes(line, "container's /dev/null is invalid", kind);
    assertEquals(Deno.readTextFileSync(pattern), before);
  }
});

// CVE-2025-52565
rootTest("a /dev/pts that is no devpts gives no console", async () => {
  const fakes: [string, (dir: string, victim: Victim) => void][] = [
    ["files", (dir) => {
      Deno.mkdirSync(`${dir}/pts`);
      for (const name of ["ptmx", "pts/ptmx", "pts/0", "console"]) Deno.writeTextFileSync(`${dir}/${name}`, "");
    }],
    ["links", (dir, victim) => {
      Deno.symlinkSync(victim.dir, `${dir}/pts`);
      Deno.symlinkSync(`${victim.dir}/ptmx`, `${dir}/ptmx`);
      Deno.symlinkSync(`${victim.dir}/console`, `${dir}/console`);
    }],
    ["another device", (dir) => {
      new Deno.Command("mknod", { args: [`${dir}/ptmx`, "c", "1", "5"] }).outputSync();
    }],
  ];
  for (const [kind, make] of fakes) {
    await using box = sandbox();
    const victim = new Victim(`${box.dir}/victim`);
    const dev = `${box.dir}/dev`;
    Deno.mkdirSync(dev);
    new Deno.Command("mknod", { args: [`${dev}/null`, "c", "1", "3"] }).outputSync();
    make(dev, victim);
    const bind = { destination: "/dev", type: "bind", source: dev, options: ["bind"] };
    const line = failed(await box.run({ mounts: [PROC, bind], "process.terminal": true }));
    assertStringIncludes(line, "pseudo terminal", kind);
    victim.assertUntouched(kind);
  }
});

rootTest("the terminal is the one that was opened, whatever /dev/pts shows by its number", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  // the image's own /dev/pts, in whose place the devpts is mounted; the console is bound by descriptor
  Deno.mkdirSync(`${box.rootfs}/dev/pts`);
  for (let n = 0; n < 8; n++) Deno.symlinkSync(`${victim.dir}/ptmx`, `${box.rootfs}/dev/pts/${n}`);
  Deno.symlinkSync(`${victim.dir}/console`, `${box.rootfs}/dev/console`);
  const result = await box.run({
    mounts: [PROC, PTS],
    "process.terminal": true,
    "process.args": ["sh", "-c", "stat -c '%t' /dev/console /dev/pts/0; tty"],
  });
  victim.assertUntouched(result.stderr);
});

// CVE-2024-45310
rootTest("missing targets of mounts are made in the image, whatever links are on the way", async () => {
  for (const target of ["absolute", "outward"] as const) {
    await using box = sandbox();
    const victim = new Victim(`${box.dir}/victim`);
    Deno.symlinkSync(target === "absolute" ? victim.dir : outward(victim.dir), `${box.rootfs}/volume`);
    const mounts = [
      PROC,
      { destination: "/volume/a/b", type: "tmpfs", source: "tmpfs" },
      { destination: "/volume/c/file", type: "bind", source: "/etc/hostname", options: ["bind"] },
      { destination: "/volume/ptmx/d", type: "tmpfs", source: "tmpfs" },
    ];
    await box.run({ mounts, "process.cwd": "/volume/work", "linux.devices": [{ path: "/volume/dev/x", type: "p" }] });
    victim.assertUntouched(target);
  }
});

// CVE-2025-24965: a file of the runtime's own in the image
rootTest("passwd and other files of the image are read inside the image, and only if they are files", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  Deno.writeTextFileSync(`${victim.dir}/passwd`, "root:x:0:0:root:/stolen:/bin/sh\n");
  const again = new Victim(`${box.dir}/other`);
  for (const target of [`${victim.dir}/passwd`, outward(`${victim.dir}/passwd`)]) {
    Deno.removeSync(`${box.rootfs}/etc/passwd`);
    Deno.symlinkSync(target, `${box.rootfs}/etc/passwd`);
    assertEquals(await box.shell("echo $HOME", { "process.env": ["PATH=/bin"] }), "/\n");
  }
  again.assertUntouched();
  // a FIFO nobody writes to must hold up nobody
  Deno.removeSync(`${box.rootfs}/etc/passwd`);
  new Deno.Command("mkfifo", { args: [`${box.rootfs}/etc/passwd`] }).outputSync();
  assertEquals(await box.shell("echo $HOME", { "process.env": ["PATH=/bin"] }), "/\n");
});

rootTest("devices are what the config says, also where the image has something else", async () => {
  await using box = sandbox();
  const device = [{ path: "/dev/mine", type: "c", major: 1, minor: 5, fileMode: 0o600 }];
  for (
    const make of [
      () => Deno.writeTextFileSync(`${box.rootfs}/dev/mine`, ""),
      () => new Deno.Command("mknod", { args: [`${box.rootfs}/dev/mine`, "c", "1", "1"] }).outputSync(),
      () => Deno.symlinkSync("/dev/null", `${box.rootfs}/dev/mine`),
    ]
  ) {
    make();
    assertStringIncludes(await box.refused({ mounts: [PROC], "linux.devices": device }), 'making device "/dev/mine"');
    Deno.removeSync(`${box.rootfs}/dev/mine`);
  }
});

rootTest("bind mounts carry no data of a file system", async () => {
  await using box = sandbox();
  for (const option of ["context=x", "size=1m", "mode=777", "uid=0"]) {
    const mount = { destination: "/m", type: "bind", source: "/etc", options: ["bind", option] };
    const line = await box.refused({ mounts: [PROC, mount] });
    assertStringIncludes(line, "bind mounts cannot have any filesystem-specific options applied");
  }
});

rootTest("without pivot_root no procfs and no sysfs of the host stays in reach", async () => {
  await using box = sandbox();
  const all = ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_DAC_OVERRIDE"];
  // out of the chroot, as root can, and look at what lies there
  const script = "mkdir -p /tmp/x; exec 9</; chroot /tmp/x /bin/true 2>/dev/null; " +
    'awk \'$9 == "proc" || $9 == "sysfs" || $8 == "proc" || $8 == "sysfs" { print $4, $5 }\' /proc/self/mountinfo';
  const out = await box.run({
    mounts: [PROC, SYS],
    "process.args": ["sh", "-c", script],
    "process.capabilities": { bounding: all, effective: all, permitted: all },
    "linux.readonlyPaths": [],
    "linux.maskedPaths": [],
  }, { args: ["--no-pivot"] });
  assertEquals(out.stdout.trim().split("\n").sort(), ["/ /proc", "/ /sys"]);
});
