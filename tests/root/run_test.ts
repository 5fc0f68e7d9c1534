import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { exists, failed, namespaces, rootTest, sandbox, succeeded, until } from "./harness.ts";

rootTest("run() exits as the program does", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "echo out; echo err >&2; exit 3"] });
  assertEquals(await box.run(), { code: 3, stdout: "out\n", stderr: "err\n" });
  assertEquals(box.leftovers(), []);
});

rootTest("run() exits with 128 + signal when a signal ended the program", async () => {
  await using box = sandbox();
  // init is immune to signals without a handler unless they come from outside
  const shared = { "linux.namespaces": namespaces("mount", "ipc", "uts", "network") };
  assertEquals((await box.run({ "process.args": ["sh", "-c", "kill -TERM $$"], ...shared })).code, 143);
  assertEquals((await box.run({ "process.args": ["sh", "-c", "kill -KILL $$"], ...shared })).code, 137);
});

rootTest("run() passes stdin on, and waits for no pipe that others hold", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "cat; sleep 1000 & exit 0"] });
  assertEquals(succeeded(await box.run({}, { stdin: "some input\n" })), "some input\n");
});

rootTest("run() forwards signals to init", async () => {
  await using box = sandbox();
  for (
    const [name, number] of [["SIGTERM", 15], ["SIGINT", 2], ["SIGHUP", 1], ["SIGUSR1", 10], ["SIGQUIT", 3]] as const
  ) {
    box.configure({
      "process.args": [
        "sh",
        "-c",
        `trap 'echo got; exit ${number}' ${number}; echo ready; while true; do usleep 20000; done`,
      ],
    });
    const running = box.start(["run", "--bundle", box.bundle, box.id]);
    await until(() => running.stdout().includes("ready"), "the trap");
    Deno.kill(running.pid, name);
    assertEquals(await running.result, { code: number, stdout: "ready\ngot\n", stderr: "" }, name);
  }
});

rootTest("run() keeps SIGCHLD, SIGURG and SIGWINCH to itself", async () => {
  await using box = sandbox();
  box.configure({
    "process.args": [
      "sh",
      "-c",
      "trap 'echo got; exit 1' URG WINCH; echo ready; until test -e /tmp/go; do usleep 10000; done; echo done",
    ],
  });
  const running = box.start(["run", "--bundle", box.bundle, box.id]);
  await until(() => running.stdout().includes("ready"), "the trap");
  for (const name of ["SIGCHLD", "SIGURG", "SIGWINCH"] as const) Deno.kill(running.pid, name);
  box.file("tmp/go", "");
  assertEquals((await running.result).stdout, "ready\ndone\n");
});

rootTest("run() reaps the orphans of a container without a pid namespace", async () => {
  await using box = sandbox({ "linux.namespaces": namespaces("mount", "ipc", "uts", "network") });
  box.configure({
    "process.args": ["sh", "-c", "for i in 1 2 3; do (usleep 1000 &) ; done; echo started; read -r go </fifo"],
  });
  await new Deno.Command("mkfifo", { args: [`${box.rootfs}/fifo`] }).output();
  const running = box.start(["run", "--bundle", box.bundle, box.id]);
  await until(() => running.stdout().includes("started"), "the start");
  // init alone, which runs
  await until(() => children(running.pid).length === 1, "the end of all zombies");
  await Deno.writeTextFile(`${box.rootfs}/fifo`, "go\n");
  assertEquals((await running.result).code, 0);
});

function children(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

rootTest("run --detach returns at once and leaves no process of runo", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  await box.ok("run", "--detach", "--bundle", box.bundle, "--pid-file", `${box.dir}/pid`, box.id);
  assertEquals(await box.status(), "running");
  const pid = await box.pid();
  assertEquals(Deno.readTextFileSync(`${box.dir}/pid`), String(pid));
  assertEquals(exists(`${box.dir}/.pid`), false);
});

rootTest("run --keep keeps the container until it is deleted", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "exit 4"] });
  assertEquals((await box.run({}, { args: ["--keep"] })).code, 4);
  assertEquals(await box.status(), "stopped");
  assertStringIncludes(failed(await box.run()), "container with given ID already exists");
  await box.ok("delete", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("run() removes the container, also when it ends before the command looks", async () => {
  await using box = sandbox();
  for (let i = 0; i < 20; i++) assertEquals(await box.run(), { code: 0, stdout: "", stderr: "" });
  assertEquals(box.leftovers(), []);
});

rootTest("run() kills what outlives init in a shared pid namespace", async () => {
  await using box = sandbox({
    "linux.namespaces": namespaces("mount", "ipc", "uts", "network"),
    "process.args": ["sh", "-c", "sleep 1000 & exit 0"],
  });
  succeeded(await box.run());
  assertEquals(box.leftovers(), []);
});

rootTest("run --pid-file writes digits and nothing else, absent after a failure", async () => {
  await using box = sandbox();
  const file = `${box.dir}/pid`;
  succeeded(await box.run({}, { args: ["--pid-file", file] }));
  assertMatch(Deno.readTextFileSync(file), /^\d+$/);
  Deno.removeSync(file);
  failed(await box.run({ "process.args": ["/not/there"] }, { args: ["--pid-file", file] }));
  assertEquals(exists(file), false);
  // relative to the caller's directory, not to the bundle
  succeeded(await box.run({ "process.args": ["true"] }, { args: ["--pid-file", "relative"] }));
  assertMatch(Deno.readTextFileSync(`${box.dir}/relative`), /^\d+$/);
  assertStringIncludes(failed(await box.run({}, { args: ["--pid-file", "/not/there/pid"] })), "/not/there/pid");
  assertEquals(box.leftovers(), []);
});

rootTest("run() in the foreground survives the end of its caller's interest in stdin", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "usleep 100000; echo end"] });
  const { code, stdout } = await box.run({}, { after: "<&-" });
  assertEquals([code, stdout], [0, "end\n"]);
});

rootTest("run() that is killed leaves a container that delete --force removes", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const running = box.start(["run", "--bundle", box.bundle, box.id]);
  const started = () => exists(`${box.stateDir}/state.json`) && box.stateFile().init_process_pid > 0;
  await until(() => started() && !exists(`${box.stateDir}/exec.fifo`), "the start");
  Deno.kill(running.pid, "SIGKILL");
  await running.result;
  assertEquals(await box.status(), "running");
  await box.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
});
