/** The systemd cgroup driver, where systemd is pid 1. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Changes, rootTest, type Sandbox, sandbox, until } from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";

const SLICE = "runo-test.slice";

/** A sandbox whose containers are in a slice of the tests. */
function systemdSandbox(changes: Changes = {}): Sandbox {
  const box: Sandbox = sandbox();
  box.configure({ "linux.cgroupsPath": `${SLICE}:t:${box.id}`, "process.args": ["sleep", "1000"], ...changes });
  return box;
}

function unit(box: Sandbox): string {
  return `t-${box.id}.scope`;
}

/** A property of the sandbox' unit, as systemctl shows it. */
async function property(box: Sandbox, name: string): Promise<string> {
  const { stdout } = await execute(["systemctl", "show", "--value", `--property=${name}`, unit(box)]);
  return stdout.trim();
}

function cgroupFile(box: Sandbox, file: string): string {
  return Deno.readTextFileSync(`/sys/fs/cgroup/runo.slice/${SLICE}/${unit(box)}/${file}`).trim();
}

async function create(box: Sandbox): Promise<void> {
  await box.ok("--systemd-cgroup", "create", "--bundle", box.bundle, box.id);
}

/** Nothing of the unit is left, not even the memory of its failure. */
async function assertNoUnit(box: Sandbox): Promise<void> {
  await until(async () => (await property(box, "LoadState")) === "not-found", `no unit ${unit(box)}`);
}

rootTest("create() has systemd make a scope with init in it", async () => {
  await using box = systemdSandbox();
  await create(box);
  const pid = await box.pid();
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cgroup`), `0::/runo.slice/${SLICE}/${unit(box)}\n`);
  assertEquals(box.stateFile().cgroup_paths, { "": `/sys/fs/cgroup/runo.slice/${SLICE}/${unit(box)}` });
  assertEquals(await property(box, "ActiveState"), "active");
  assertEquals(await property(box, "Slice"), SLICE);
  assertEquals(await property(box, "Delegate"), "yes");
  assertEquals(await property(box, "Description"), `runo container ${box.id}`);
  await box.ok("delete", box.id);
  await assertNoUnit(box);
});

rootTest("start(), exec(), kill() and delete() know of systemd by themselves", async () => {
  await using box = systemdSandbox();
  await create(box);
  await box.ok("start", box.id);
  const inside = await box.ok("exec", box.id, "cat", "/proc/self/cgroup");
  assertEquals(inside, "0::/\n");
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  await assertNoUnit(box);
});
