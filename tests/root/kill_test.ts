import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, namespaces, rootTest, sandbox, until } from "./harness.ts";
import { processes } from "./support/leftovers.ts";

const SHARED = { "linux.namespaces": namespaces("mount", "ipc", "uts", "network") };

rootTest("kill() sends init any signal, by number and by name", async () => {
  await using box = sandbox();
  const names = [["", 15], ["9", 9], ["KILL", 9], ["SIGKILL", 9], ["sigterm", 15], ["USR1", 10], ["1", 1], [
    "RTMIN+3",
    37,
  ]] as const;
  for (const [name, number] of names) {
    const trap = number === 9 ? ":" : `trap "echo ${number} >/tmp/got; exit 0" ${number}`;
    await box.create({ "process.args": ["sh", "-c", `${trap}; touch /tmp/ready; while true; do usleep 10000; done`] });
    await box.ok("start", box.id);
    await until(() => exists(`${box.rootfs}/tmp/ready`), "the trap");
    await box.ok(...["kill", box.id, name].filter((word) => word !== ""));
    await box.reaches("stopped");
    if (number !== 9) assertEquals(Deno.readTextFileSync(`${box.rootfs}/tmp/got`), `${number}\n`, name);
    await box.ok("delete", box.id);
    Deno.removeSync(`${box.rootfs}/tmp/ready`);
  }
});

rootTest("kill() refuses signals that nobody knows", async () => {
  await using box = sandbox();
  await box.sleeping();
  for (const name of ["BOGUS", "SIGBOGUS", "0x9"]) {
    assertStringIncludes(await box.fails(["kill", box.id, name]), `unknown signal "${name}"`);
  }
  assertEquals(await box.status(), "running");
});

rootTest("kill() of a container that is stopped or missing is an error, and harms no recycled pid", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.fails(["kill", box.id, "KILL"]), "container does not exist");
  await box.sleeping();
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertStringIncludes(await box.fails(["kill", box.id, "KILL"]), "container not running");
  // as if init's number had been given to another process
  const other = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  try {
    const state = box.stateFile();
    Deno.writeTextFileSync(`${box.stateDir}/state.json`, JSON.stringify({ ...state, init_process_pid: other.pid }));
    assertEquals(await box.status(), "stopped");
    assertStringIncludes(await box.fails(["kill", box.id, "KILL"]), "container not running");
    await box.ok("delete", "--force", box.id);
    assert(/^State:\s+S/m.test(Deno.readTextFileSync(`/proc/${other.pid}/status`)));
  } finally {
    other.kill("SIGKILL");
    await other.status;
  }
});

rootTest("kill() ends a created container with the signals that end a process", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  for (const signal of ["TERM", "INT", "HUP", "QUIT"]) {
    await box.create();
    await box.ok("kill", box.id, signal);
    await box.reaches("stopped");
    await box.ok("delete", box.id);
  }
});

rootTest("kill() ends a container that is created, and one that is paused", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  await box.create();
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  await box.sleeping();
  await box.ok("pause", box.id);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
});

rootTest("kill() with KILL, and kill --all, reach every process of a shared pid namespace", async () => {
  await using box = sandbox(SHARED);
  const many = { "process.args": ["sh", "-c", "sleep 1000 & sleep 1000 & (sleep 1000 &); wait"] };
  for (const args of [[box.id, "KILL"], ["--all", box.id, "TERM"], ["-a", box.id, "9"]]) {
    await box.create(many);
    await box.ok("start", box.id);
    await until(() => processes(box.cgroup).length >= 4, "all processes");
    await box.ok("kill", ...args);
    await until(() => processes(box.cgroup).length === 0, "the end of all processes");
    await box.reaches("stopped");
    await box.ok("delete", box.id);
  }
});

rootTest("kill --all of a stopped container is no error", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  await box.create();
  await box.ok("start", box.id);
  await box.reaches("stopped");
  await box.ok("kill", "--all", box.id, "KILL");
});

rootTest("kill() of a zombie init says that it does not run", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  // who starts it stays its parent and does not wait: init becomes a zombie
  const holder = box.start(["create", "--bundle", box.bundle, box.id], {
    through: `sh -c '"$0" "$@"; exec sleep 1000'`,
  });
  await until(async () => (await box.runo(["state", box.id])).code === 0, "the container");
  await box.reaches("created");
  await box.ok("start", box.id);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertStringIncludes(await box.fails(["kill", box.id, "KILL"]), "container not running");
  Deno.kill(holder.pid, "SIGKILL");
  await holder.result;
});

rootTest("kill() with KILL reaches what outlived init in a shared pid namespace", async () => {
  await using box = sandbox(SHARED);
  const init = await box.create({ "process.args": ["sh", "-c", "sleep 1000 & sleep 1000 & wait"] });
  await box.ok("start", box.id);
  await until(() => processes(box.cgroup).length >= 3, "all processes");
  Deno.kill(init, "SIGKILL");
  await box.reaches("stopped");
  assert(processes(box.cgroup).length > 0);
  assertStringIncludes(await box.fails(["kill", box.id, "TERM"]), "container not running");
  await box.ok("kill", box.id, "KILL");
  await until(() => processes(box.cgroup).length === 0, "the end of all processes");
  assertStringIncludes(await box.fails(["kill", box.id, "KILL"]), "container not running");
});
