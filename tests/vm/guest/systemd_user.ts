/** The systemd cgroup driver of ordinary users: their own systemd makes the unit. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exists, rootTest, until } from "../../root/harness.ts";
import { execute, type Result } from "../../root/support/command.ts";
import { makeRootfs } from "../../root/support/rootfs.ts";
import { TestUser } from "../../root/support/users.ts";
import type { Changes } from "../../unit/core/spec/config.ts";

/** A user with a systemd that runs without a login, and with a bundle in its home. */
async function userWithSystemd(changes: Changes = {}): Promise<TestUser> {
  const user = await TestUser.make();
  await bundle(user, changes);
  await execute(["loginctl", "enable-linger", user.name]);
  await until(() => exists(`/run/user/${user.uid}/bus`), "the bus of the user");
  return user;
}

async function bundle(user: TestUser, changes: Changes): Promise<void> {
  makeRootfs(`${user.home}/rootfs`);
  assertEquals((await user.sh("runo spec --rootless")).stderr, "");
  const file = `${user.home}/config.json`;
  const spec = JSON.parse(Deno.readTextFileSync(file));
  spec.process.terminal = false;
  spec.process.args = ["sleep", "1000"];
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split("."), last = keys.pop()!;
    keys.reduce((holder, key) => holder[key] ??= {}, spec)[last] = value;
  }
  Deno.writeTextFileSync(file, JSON.stringify(spec));
  await user.own(user.home);
}

/** Ends the user's systemd, which keeps the user from being removed. */
async function endSystemd(user: TestUser): Promise<void> {
  await execute(["loginctl", "disable-linger", user.name]);
  await execute(["systemctl", "stop", `user@${user.uid}.service`]);
}

function succeeded({ code, stdout, stderr }: Result): string {
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
  return stdout;
}

function scope(user: TestUser): string {
  return `/user.slice/user-${user.uid}.slice/user@${user.uid}.service/user.slice/runc-c.scope`;
}

function cgroupFile(user: TestUser, file: string): string {
  return Deno.readTextFileSync(`/sys/fs/cgroup${scope(user)}/${file}`).trim();
}

rootTest("an ordinary user's container is in a scope of its own systemd, and later commands know", async () => {
  await using user = await userWithSystemd({
    "linux.resources": { memory: { limit: 64 << 20 }, pids: { limit: 30 } },
  });
  // nothing of the session is needed: neither the address of the bus, nor the directory that it is in
  succeeded(await user.sh("runo --systemd-cgroup create c && runo start c"));
  const { pid } = JSON.parse(succeeded(await user.sh("runo state c")));
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cgroup`), `0::${scope(user)}\n`);
  assertEquals(cgroupFile(user, "memory.max"), String(64 << 20));
  assertEquals(cgroupFile(user, "pids.max"), "30");

  assertEquals(succeeded(await user.sh("runo exec c cat /proc/self/cgroup")), "0::/\n");
  succeeded(await user.sh("runo update --memory 96M c"));
  assertEquals(cgroupFile(user, "memory.max"), String(96 << 20));
  const shown = await user.sh("systemctl --user show --value --property=MemoryMax runc-c.scope", {
    env: { XDG_RUNTIME_DIR: `/run/user/${user.uid}` },
  });
  assertEquals(shown.stdout, `${96 << 20}\n`);
  succeeded(await user.sh("runo kill c KILL"));
  succeeded(await user.sh("runo delete --force c"));
  assertEquals(exists(`/sys/fs/cgroup${scope(user)}`), false);
  await endSystemd(user);
});

rootTest("an ordinary user hears which controllers are missing, and what to do", async () => {
  await using user = await userWithSystemd({ "linux.resources": { cpu: { cpus: "0" } } });
  const { code, stderr } = await user.sh("runo --systemd-cgroup create c");
  assertEquals(code, 1);
  assertMatch(stderr, /limits need controllers that are not delegated to user \d+: cpuset \(as root: mkdir/);
  await endSystemd(user);
});

rootTest("an ordinary user without a systemd hears how to get one", async () => {
  await using user = await TestUser.make();
  await bundle(user, {});
  const { code, stderr } = await user.sh("runo --systemd-cgroup create c");
  assertEquals(code, 1);
  assertStringIncludes(stderr, `found no socket of the systemd of user ${user.uid}`);
  assertStringIncludes(stderr, `sudo loginctl enable-linger ${user.uid}`);
});
