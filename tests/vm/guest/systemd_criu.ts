/** Checkpoint and restore of containers whose cgroups systemd makes. */

import { assertEquals } from "@std/assert";

import { exists, type Sandbox, sandbox, until } from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  runo,
} from "../../root/support/criu.ts";

const GONE = { code: 0, stdout: "", stderr: "" };
const SLICE = "runo-test.slice";

function unit(box: Sandbox): string {
  return `c-${box.id}.scope`;
}

async function property(box: Sandbox, name: string): Promise<string> {
  const { stdout } = await execute(["systemctl", "show", "--value", `--property=${name}`, unit(box)]);
  return stdout.trim();
}

function withSystemd(box: Sandbox): readonly string[] {
  return [...runo(box), "--systemd-cgroup"];
}

criuTest("restore() has systemd make the scope anew, with the processes and limits in it", async () => {
  await using box = sandbox();
  box.configure({
    "process.args": COUNTING,
    "linux.cgroupsPath": `${SLICE}:c:${box.id}`,
    "linux.resources.memory": { limit: 64 << 20 },
    "linux.resources.pids": { limit: 77 },
  });
  assertEquals(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id], withSystemd(box)), GONE);
  await printsMore(box, 2);
  const cgroup = `/runo.slice/${SLICE}/${unit(box)}`;
  for (let round = 0; round < 2; round++) {
    assertEquals(await checkpoint(box), GONE);
    await until(async () => (await property(box, "LoadState")) === "not-found", `no unit ${unit(box)}`);
    const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
    assertEquals(await piped(box, args, withSystemd(box)), GONE);
    await printsMore(box, 2);
    assertEquals(await property(box, "ActiveState"), "active");
    assertEquals(await property(box, "Slice"), SLICE);
    assertEquals(await property(box, "MemoryMax"), "67108864");
    assertEquals(await property(box, "TasksMax"), "77");
    const pid = await box.pid();
    assertEquals(Deno.readTextFileSync(`/proc/${pid}/cgroup`), `0::${cgroup}\n`);
    assertEquals(box.stateFile().cgroup_paths, { "": `/sys/fs/cgroup${cgroup}` });
    const own = Deno.readTextFileSync(`/sys/fs/cgroup${cgroup}/cgroup.procs`).split("\n");
    assertEquals(own.includes(String(pid)), true);
    assertEquals(Deno.readTextFileSync(`/sys/fs/cgroup${cgroup}/pids.max`), "77\n");
    assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), `0::/\n`);
  }
  assertCounted(box);
  await box.ok("delete", "--force", box.id);
  await until(async () => (await property(box, "LoadState")) === "not-found", `no unit ${unit(box)}`);
  assertEquals(exists(`/sys/fs/cgroup${cgroup}`), false);
});

criuTest("restore() that fails leaves no unit behind", async () => {
  await using box = sandbox();
  box.configure({ "process.args": COUNTING, "linux.cgroupsPath": `${SLICE}:c:${box.id}` });
  assertEquals(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id], withSystemd(box)), GONE);
  await printsMore(box, 1);
  assertEquals(await checkpoint(box), GONE);
  Deno.removeSync(`${imagesOf(box)}/inventory.img`);
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  assertEquals((await piped(box, args, withSystemd(box))).code, 1);
  await until(async () => (await property(box, "LoadState")) === "not-found", `no unit ${unit(box)}`);
  assertEquals(exists(box.stateDir), false);
});
