import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";

import { failed, rootTest, sandbox, sleep } from "./harness.ts";

rootTest("start() lets init execute its program, once", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const pid = await box.create();
  await box.ok("start", box.id);
  assertEquals(await box.status(), "running");
  assertEquals(await box.pid(), pid);
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "sleep\x001000\0");
  assertStringIncludes(await box.fails(["start", box.id]), "cannot start an already running container");
  assertEquals(await box.pid(), pid);
});

rootTest("start() refuses a container that has stopped, is paused or does not exist", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  assertStringIncludes(await box.fails(["start", box.id]), "container does not exist");
  await box.sleeping();
  await box.ok("pause", box.id);
  assertStringIncludes(await box.fails(["start", box.id]), "paused");
  assertEquals(await box.status(), "paused");
  await box.ok("resume", box.id);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertStringIncludes(await box.fails(["start", box.id]), "cannot start a container that has stopped");
});

rootTest("start() does not wait for an init that died before it was started", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const pid = await box.create();
  Deno.kill(pid, "SIGKILL");
  await box.reaches("stopped");
  assertStringIncludes(await box.fails(["start", box.id]), "cannot start a container that has stopped");
});

rootTest("start() does not wait for an init that dies meanwhile", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  for (let i = 0; i < 25; i++) {
    await box.create();
    const starting = box.runo(["start", box.id]);
    await sleep(i % 20);
    const deleting = box.runo(["delete", "--force", box.id]);
    const [started, deleted] = await Promise.all([starting, deleting]);
    assertEquals(deleted, { code: 0, stdout: "", stderr: "" });
    if (started.code !== 0) assertNotEquals(failed(started), "");
    assertEquals(box.leftovers(), []);
  }
});

rootTest("start() succeeds for programs that end at once", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  for (let i = 0; i < 25; i++) {
    await box.ok("create", "--bundle", box.bundle, box.id);
    await box.ok("start", box.id);
    await box.reaches("stopped");
    await box.ok("delete", box.id);
  }
});

rootTest("start() twice at the same time starts once", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  for (let i = 0; i < 5; i++) {
    await box.create();
    const results = await Promise.all([0, 1].map(() => box.runo(["start", box.id])));
    assertEquals(results.map(({ code }) => code).sort(), [0, 1]);
    assertStringIncludes(failed(results.find(({ code }) => code !== 0)!), "cannot start an already running container");
    assertEquals(await box.status(), "running");
    await box.ok("delete", "--force", box.id);
  }
});

rootTest("run() does not hang when seccomp kills init before it executes", async () => {
  await using box = sandbox({
    "process.noNewPrivileges": false,
    "linux.seccomp": {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["capset"], action: "SCMP_ACT_KILL_PROCESS" }],
    },
  });
  const result = await box.runo(["run", "--bundle", box.bundle, box.id]);
  assertNotEquals(result.code, 0);
  assertEquals(box.leftovers(), []);
});

rootTest("a start that was killed once init has gone on reads as running", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  await box.create();
  const fifo = `${box.stateDir}/exec.fifo`;
  const before = Deno.statSync(fifo);
  await box.ok("start", box.id);
  // as it would be had it not been removed
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  assertEquals(before.isFifo, true);
  assertEquals(await box.status(), "running");
  assertStringIncludes(await box.fails(["start", box.id]), "cannot start an already running container");
});
