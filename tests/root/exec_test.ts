import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, processStatus, rootTest, sandbox, succeeded, until } from "./harness.ts";
import { processes } from "./support/leftovers.ts";

rootTest("exec() joins every namespace and cgroup of init", async () => {
  await using box = sandbox({
    "linux.namespaces": ["pid", "network", "ipc", "uts", "mount", "cgroup", "time"].map((type) => ({ type })),
  });
  const pid = await box.sleeping();
  const files = ["pid", "net", "ipc", "uts", "mnt", "cgroup", "time", "user"];
  const inside = (await box.ok(
    "exec",
    box.id,
    "sh",
    "-c",
    `for f in ${files.join(" ")}; do readlink /proc/self/ns/$f; done; cat /proc/self/cgroup`,
  )).trim().split("\n");
  assertEquals(inside.slice(0, files.length), files.map((file) => Deno.readLinkSync(`/proc/${pid}/ns/${file}`)));
  for (const line of inside.slice(files.length)) assert(line.endsWith(":/"), line);
});

rootTest("exec() into a created container works and leaves it created", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  await box.create();
  assertEquals(await box.ok("exec", box.id, "echo", "early"), "early\n");
  assertEquals(await box.status(), "created");
  assertEquals(exists(`${box.stateDir}/exec.fifo`), true);
  await box.ok("start", box.id);
  assertEquals(await box.status(), "running");
});

rootTest("exec() into a container that has stopped fails, and never becomes init", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  await box.create();
  await box.ok("start", box.id);
  await box.reaches("stopped");
  const before = Deno.readTextFileSync(`${box.stateDir}/state.json`);
  assertStringIncludes(await box.fails(["exec", box.id, "true"], 255), "cannot exec in a stopped container");
  assertEquals(Deno.readTextFileSync(`${box.stateDir}/state.json`), before);
  assertEquals(exists(`${box.stateDir}/exec.fifo`), false);
});

rootTest("exec() into a container whose init is about to die ends, well or with one error", async () => {
  await using box = sandbox();
  for (let i = 0; i < 25; i++) {
    const pid = await box.create({ "process.args": ["usleep", String(i * 2500)] });
    const before = Deno.readTextFileSync(`${box.stateDir}/state.json`);
    await box.ok("start", box.id);
    const result = await box.runo(["exec", box.id, "true"]);
    if (result.code === 255) assert(failed(result, 255).length > 0);
    else assert(result.code === 0 || result.code === 137, JSON.stringify(result));
    assertEquals(exists(`${box.stateDir}/exec.fifo`), false);
    assertEquals(Deno.readTextFileSync(`${box.stateDir}/state.json`), before);
    assertEquals(box.stateFile().init_process_pid, pid);
    await box.ok("delete", "--force", box.id);
  }
});

rootTest("exec() passes no descriptor of the host on", async () => {
  await using box = sandbox();
  await box.sleeping();
  const { stdout } = await box.runo(["exec", box.id, "sh", "-c", "ls -l /proc/self/fd | cut -d'>' -f2"], {
    after: "5</etc/passwd 9</",
  });
  const open = stdout.trim().split("\n").slice(1).map((line) => line.trim());
  // stdin, stdout, stderr and the directory that ls reads
  assertEquals(open.length, 4);
  assertEquals(open[0], "/dev/null");
});

rootTest("exec() has the limits, capabilities and user of its process", async () => {
  await using box = sandbox({ "process.rlimits": [{ type: "RLIMIT_NOFILE", soft: 111, hard: 222 }] });
  await box.sleeping();
  const printed = await box.ok(
    "exec",
    "--user",
    "1000:1001",
    box.id,
    "sh",
    "-c",
    "ulimit -Sn; ulimit -Hn; id -u; id -g; grep CapEff /proc/self/status | tr -d '\\t'; umask",
  );
  assertEquals(printed, "111\n222\n1000\n1001\nCapEff:0000000000000000\n0022\n");
});

rootTest("exec() exits as its process does, and with 255 when there is none", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals((await box.runo(["exec", box.id, "sh", "-c", "exit 7"])).code, 7);
  assertEquals((await box.runo(["exec", box.id, "sh", "-c", "kill -TERM $$"])).code, 143);
  for (
    const [args, words] of [
      [["no-such-program"], "executable file not found in $PATH"],
      [["/no/such"], "no such file or directory"],
      [["/etc"], "is a directory"],
      [["/etc/passwd"], "permission denied"],
    ] as const
  ) {
    assertStringIncludes(await box.fails(["exec", box.id, ...args], 255), words);
  }
  assertStringIncludes(
    await box.fails(["exec", "--cwd", "/no/such", box.id, "true"], 255),
    "no such file or directory",
  );
  const descriptor = await box.fails(["exec", "--cwd", "/proc/self/fd/2", box.id, "true"], 255);
  assertStringIncludes(descriptor, "current working directory is outside of container mount namespace root");
  assertEquals(processes(box.cgroup).length, 1);
});

rootTest("exec --pid-file is there only when the process runs", async () => {
  await using box = sandbox();
  await box.sleeping();
  const file = `${box.dir}/pid`;
  failed(await box.runo(["exec", "--pid-file", file, box.id, "/no/such"]), 255);
  assertEquals(exists(file), false);
  await box.ok("exec", "--detach", "--pid-file", file, box.id, "sleep", "1000");
  const pid = Number(Deno.readTextFileSync(file));
  assertEquals(processStatus(pid, "Name"), "sleep");
  assertEquals(processes(box.cgroup).length, 2);
});

rootTest("exec() forwards signals and stdin", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(succeeded(await box.runo(["exec", box.id, "cat"], { stdin: "through\n" })), "through\n");
  const running = box.start([
    "exec",
    box.id,
    "sh",
    "-c",
    "trap 'echo got; exit 4' TERM; echo ready; while true; do usleep 20000; done",
  ]);
  await until(() => running.stdout().includes("ready"), "the trap");
  Deno.kill(running.pid, "SIGTERM");
  assertEquals(await running.result, { code: 4, stdout: "ready\ngot\n", stderr: "" });
});

rootTest("exec() many times leaves nothing but init", async () => {
  await using box = sandbox();
  await box.sleeping();
  for (let i = 0; i < 40; i++) {
    assertEquals(await box.runo(["exec", box.id, "true"]), { code: 0, stdout: "", stderr: "" });
  }
  assertEquals(processes(box.cgroup).length, 1);
});

rootTest("run() many times leaves nothing", async () => {
  await using box = sandbox();
  for (let i = 0; i < 40; i++) assertEquals(await box.run(), { code: 0, stdout: "", stderr: "" });
  assertEquals(box.leftovers(), []);
});
