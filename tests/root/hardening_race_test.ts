/** Attacks by races: another container exchanges files of a shared volume while the runtime works on them. */

import { assert, assertEquals } from "@std/assert";
import { exists, rootTest, type Sandbox, sandbox } from "./harness.ts";
import { startSwapper } from "./support/swapper.ts";
import { Victim } from "./support/victim.ts";

/** Starts of a container for each attack, while thousands of exchanges are made; RUNO_RACES asks for more. */
const RUNS = Number(Deno.env.get("RUNO_RACES") ?? 15);

const PROC = { destination: "/proc", type: "proc", source: "proc" };

/** A volume with a directory and a link that change places. */
interface Volume {
  readonly dir: string;
  readonly directory: string;
  readonly link: string;
}

function volume(box: Sandbox, target: string): Volume {
  const dir = `${box.dir}/volume`;
  Deno.mkdirSync(`${dir}/swapped`, { recursive: true });
  Deno.symlinkSync(target, `${dir}/link`);
  return { dir, directory: `${dir}/swapped`, link: `${dir}/link` };
}

function bind(source: string, destination: string) {
  return { destination, type: "bind", source, options: ["rbind"] };
}

/**
 * Starts a container RUNS times while the attack goes on, and further until one has started: how many do is a matter of
 * luck, but none at all would prove nothing. `look` sees what each of them wrote, and whether it ended well.
 */
async function startUnderAttack(
  box: Sandbox,
  config: Record<string, unknown>,
  look: (stdout: string, ended: boolean) => void,
) {
  let started = 0;
  for (let run = 0; run < RUNS || (started === 0 && run < 50 * RUNS); run++) {
    const { code, stdout } = await box.run(config);
    if (code === 0) started++;
    look(stdout, code === 0);
  }
  assert(started > 0, "none started");
}

// CVE-2021-30465
rootTest("no mount lands outside of the root while the target is exchanged for a link", async () => {
  for (const target of ["victim", "outward"] as const) {
    await using box = sandbox();
    const victim = new Victim(`${box.dir}/victim`);
    const path = target === "victim" ? victim.dir : `${"../".repeat(24)}${victim.dir.slice(1)}`;
    const { dir, directory, link } = volume(box, path);
    await using _swapper = await startSwapper(directory, link);
    const config = {
      mounts: [PROC, bind(dir, "/volume"), { destination: "/volume/swapped", type: "tmpfs", source: "tmpfs" }],
      "process.args": ["sh", "-c", "grep -c tmpfs /proc/self/mountinfo"],
    };
    // wherever it is in the container, it is there
    await startUnderAttack(box, config, (stdout, ended) => assert(!ended || Number(stdout) >= 1, stdout));
    victim.assertUntouched();
  }
});

// CVE-2024-45310
rootTest("no directory is made outside of the root while one on the way is exchanged for a link", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  const { dir, directory, link } = volume(box, victim.dir);
  await using _swapper = await startSwapper(directory, link);
  for (let run = 0; run < RUNS; run++) {
    await box.run({
      mounts: [
        PROC,
        bind(dir, "/volume"),
        { destination: `/volume/swapped/a${run}/b/c`, type: "tmpfs", source: "tmpfs" },
        { destination: `/volume/swapped/f${run}/file`, type: "bind", source: "/etc/hostname", options: ["bind"] },
      ],
      "process.cwd": `/volume/swapped/w${run}/x`,
    });
  }
  victim.assertUntouched();
});

rootTest("tmpcopyup copies nothing of the host while files of the volume are exchanged for links", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  const volume = `${box.dir}/volume`;
  Deno.mkdirSync(`${volume}/up/directory`, { recursive: true });
  Deno.writeTextFileSync(`${volume}/up/file`, "of the volume");
  Deno.writeTextFileSync(`${volume}/up/directory/passwd`, "of the volume");
  Deno.symlinkSync(`${victim.dir}/passwd`, `${volume}/link`);
  Deno.symlinkSync(victim.dir, `${volume}/other`);
  await using _files = await startSwapper(`${volume}/up/file`, `${volume}/link`);
  await using _directories = await startSwapper(`${volume}/up/directory`, `${volume}/other`);
  const config = {
    mounts: [
      PROC,
      bind(volume, "/volume"),
      { destination: "/volume/up", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"] },
    ],
    "process.args": ["sh", "-c", "cat /volume/up/file /volume/up/directory/* 2>/dev/null; true"],
  };
  await startUnderAttack(box, config, (stdout) => assert(!stdout.includes("of the host"), stdout));
  victim.assertUntouched();
});

// CVE-2019-19921, CVE-2023-27561
rootTest("/proc is a procfs or the container does not start, while it is exchanged for a link", async () => {
  await using box = sandbox();
  const fake = `${box.rootfs}/fake/sys/net/ipv4/ip_forward`;
  Deno.mkdirSync(fake.slice(0, fake.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(fake, "untouched\n");
  Deno.symlinkSync("fake", `${box.rootfs}/link`);
  await using _swapper = await startSwapper(`${box.rootfs}/proc`, `${box.rootfs}/link`);
  const config = {
    mounts: [PROC],
    "linux.sysctl": { "net.ipv4.ip_forward": "1" },
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
    // the exchange goes on: either name may be that of the directory by now
    "process.args": [
      "sh",
      "-c",
      "for i in $(seq 50); do cat /proc/sys/net/ipv4/ip_forward /link/sys/net/ipv4/ip_forward 2>/dev/null; done | sort -u",
    ],
  };
  await startUnderAttack(box, config, (stdout, ended) => assert(!ended || /^1$/m.test(stdout), stdout));
  assertEquals(Deno.readTextFileSync(fake), "untouched\n");
});

// CVE-2025-31133, CVE-2025-52565
rootTest("what is masked is masked or the container does not start, while /dev/null is exchanged", async () => {
  await using box = sandbox();
  const dev = `${box.dir}/dev`;
  Deno.mkdirSync(dev);
  const made = new Deno.Command("mknod", { args: [`${dev}/null`, "c", "1", "3"] }).outputSync();
  assertEquals(made.code, 0);
  box.file("etc/secret", "secret");
  Deno.symlinkSync("/etc/secret", `${dev}/link`);
  const pattern = Deno.readTextFileSync("/proc/sys/kernel/core_pattern");
  await using _swapper = await startSwapper(`${dev}/null`, `${dev}/link`);
  const config = {
    mounts: [PROC, bind(dev, "/dev")],
    "linux.maskedPaths": ["/etc/secret", "/proc/timer_list"],
    "process.args": ["sh", "-c", "cat /etc/secret"],
  };
  await startUnderAttack(box, config, (stdout) => assertEquals(stdout, ""));
  assertEquals(Deno.readTextFileSync("/proc/sys/kernel/core_pattern"), pattern);
});

// CVE-2025-52881: writes to procfs that go to another file than they say
rootTest("sysctls are written to the kernel while other containers mount what they like", async () => {
  await using box = sandbox();
  await using other = sandbox();
  const all = ["CAP_SYS_ADMIN"];
  // with the mount namespace of its own it can cover /proc/sys as often as it likes
  await other.sleeping({
    "process.capabilities": { bounding: all, effective: all, permitted: all },
    "process.args": ["sh", "-c", "while true; do mount -t tmpfs none /proc/sys; umount /proc/sys; done"],
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
  });
  for (let run = 0; run < RUNS / 2; run++) {
    const out = await box.shell("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax", {
      "linux.sysctl": { "net.ipv4.ip_forward": "1", "kernel.msgmax": String(9000 + run) },
    });
    assertEquals(out, `1\n${9000 + run}\n`);
  }
});

rootTest("the working directory is in the root while it is exchanged for a link", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  const { dir, directory, link } = volume(box, victim.dir);
  await using _swapper = await startSwapper(directory, link);
  const pid = await box.sleeping({ mounts: [PROC, bind(dir, "/volume")] });
  for (let run = 0; run < RUNS; run++) {
    const { stdout } = await box.runo(["exec", "--cwd", "/volume/swapped", box.id, "ls"]);
    assert(!stdout.includes("passwd"), stdout);
  }
  assert(exists(`/proc/${pid}`));
  victim.assertUntouched();
});
