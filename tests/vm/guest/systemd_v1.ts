/** The systemd cgroup driver where systemd keeps controllers in cgroup v1. */

import { assert, assertEquals } from "@std/assert";
import { exists, rootTest, sandbox, until } from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";

rootTest("v1: create() puts init into the unit's cgroup in every hierarchy, and sets all limits", async () => {
  await using box = sandbox();
  const name = `t-${box.id}.scope`;
  box.configure({
    "linux.cgroupsPath": `runo-test.slice:t:${box.id}`,
    "process.args": ["sleep", "1000"],
    "linux.resources.memory": { limit: 64 << 20 },
    "linux.resources.cpu": { shares: 512, cpus: "0" },
    "linux.resources.pids": { limit: 44 },
    "linux.resources.hugepageLimits": [{ pageSize: "2MB", limit: 4 << 20 }],
  });
  await box.ok("--systemd-cgroup", "create", "--bundle", box.bundle, box.id);
  const path = `/runo.slice/runo-test.slice/${name}`;
  const lines = Deno.readTextFileSync(`/proc/${await box.pid()}/cgroup`).trim().split("\n");
  assert(lines.length > 8);
  for (const line of lines) assert(line.endsWith(`:${path}`), line);

  const files: Record<string, string> = {
    "memory/memory.limit_in_bytes": String(64 << 20),
    "cpu,cpuacct/cpu.shares": "512",
    "cpuset/cpuset.cpus": "0",
    "pids/pids.max": "44",
    "hugetlb/hugetlb.2MB.limit_in_bytes": String(4 << 20),
  };
  for (const [file, value] of Object.entries(files)) {
    const [hierarchy, rest] = file.split("/");
    assertEquals(Deno.readTextFileSync(`/sys/fs/cgroup/${hierarchy}${path}/${rest}`).trim(), value, file);
  }
  const show = async (property: string) =>
    (await execute(["systemctl", "show", "--value", `--property=${property}`, name])).stdout.trim();
  assertEquals(await show("MemoryLimit"), String(64 << 20));
  assertEquals(await show("CPUShares"), "512");
  assertEquals(await show("TasksMax"), "44");

  await box.ok("start", box.id);
  assertEquals((await execute(["systemctl", "daemon-reload"])).code, 0);
  assertEquals(await box.ok("exec", box.id, "sh", "-c", "echo x > /dev/null; echo y"), "y\n");
  await box.ok("update", "--memory", "96M", box.id);
  assertEquals(await show("MemoryLimit"), String(96 << 20));
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  await until(async () => (await show("LoadState")) === "not-found", `no unit ${name}`);
  for (const { name: hierarchy } of Deno.readDirSync("/sys/fs/cgroup")) {
    assertEquals(exists(`/sys/fs/cgroup/${hierarchy}${path}`), false, hierarchy);
  }
});
