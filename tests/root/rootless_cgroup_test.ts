/** Cgroups of ordinary users, where v1 has the controllers. */

import { assertEquals } from "@std/assert";
import { exists, rootTest, sandbox } from "./harness.ts";
import { hierarchies, parentCgroup } from "./support/cgroups.ts";
import { makeRootfs } from "./support/rootfs.ts";
import { TestUser } from "./support/users.ts";

const needsV1 = exists("/sys/fs/cgroup/pids") ? undefined : "it needs cgroup v1";

rootTest("a user who was given the controllers needs no rights in hierarchies without any", async () => {
  await using user = await TestUser.make();
  await using box = sandbox();
  using parent = parentCgroup(box);
  for (const file of ["cpus", "mems"]) {
    parent.write(`cpuset/cpuset.${file}`, Deno.readTextFileSync(`/sys/fs/cgroup/cpuset/cpuset.${file}`));
  }
  for (const name of hierarchies().filter((name) => !["unified", "systemd"].includes(name))) {
    const path = `/sys/fs/cgroup/${name}${box.cgroup}`;
    for (const file of ["", "cgroup.procs", "tasks"]) Deno.chownSync(`${path}/${file}`, user.uid, null);
  }
  makeRootfs(`${user.home}/rootfs`);
  await user.own(`${user.home}/rootfs`);
  await user.sh("runo spec --rootless");
  const spec = JSON.parse(Deno.readTextFileSync(`${user.home}/config.json`));
  spec.process.terminal = false;
  spec.linux.cgroupsPath = `${box.cgroup}/c`;
  spec.linux.resources = { pids: { limit: 7 } };
  Deno.writeTextFileSync(`${user.home}/config.json`, JSON.stringify(spec));
  const { code, stderr } = await user.sh("runo create c");
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  try {
    assertEquals(Deno.readTextFileSync(`/sys/fs/cgroup/pids${box.cgroup}/c/pids.max`), "7\n");
    assertEquals(exists(`/sys/fs/cgroup/unified${box.cgroup}/c`), false);
    assertEquals((await user.sh("runo ps --format json c")).stdout.split(",").length, 1);
  } finally {
    assertEquals((await user.sh("runo delete --force c")).stderr, "");
  }
  assertEquals(exists(`/sys/fs/cgroup/pids${box.cgroup}/c`), false);
}, needsV1);
