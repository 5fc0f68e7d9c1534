import { assertEquals, assertMatch } from "@std/assert";
import { exists, rootTest, type Sandbox, sandbox, until } from "./harness.ts";

/** What a shell script prints that runs in the container. */
function inside(box: Sandbox, flags: readonly string[], script: string): Promise<string> {
  return box.ok("exec", ...flags, box.id, "sh", "-c", script);
}

rootTest("exec() ends with the code of the process", async () => {
  await using box = sandbox();
  await box.sleeping();
  const code = async (script: string) => (await box.runo(["exec", box.id, "sh", "-c", script])).code;
  assertEquals(await code("exit 0"), 0);
  assertEquals(await code("exit 42"), 42);
  assertEquals(await code("kill -KILL $$"), 137);
});

rootTest("exec() passes flags behind the id to the process", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(await box.ok("exec", box.id, "echo", "--tty", "-h", "--", "-e"), "--tty -h -- -e\n");
});

rootTest("exec() takes the process of the config as its base", async () => {
  await using box = sandbox();
  await box.sleeping({ "process.env": ["PATH=/bin", "A=1", "B=1"], "process.cwd": "/tmp", "process.user.gid": 5 });
  const script = "echo $A$B $(pwd) $(id -u):$(id -g)";
  assertEquals(await inside(box, [], script), "11 /tmp 0:5\n");
  const flags = ["--env", "B=2", "-e", "C=3", "--cwd", "/etc", "--user", "7:8"];
  assertEquals(await inside(box, flags, "echo $A$B$C $(pwd) $(id -u):$(id -g)"), "123 /etc 7:8\n");
  assertEquals(await inside(box, ["-u", "7"], script), "11 /tmp 7:5\n");
});

rootTest("exec() reads the config anew, and remembers it when the bundle is gone", async () => {
  await using box = sandbox();
  const env = (value: string) => ({ "process.args": ["sleep", "1000"], "process.env": ["PATH=/bin", `A=${value}`] });
  await box.sleeping(env("first"));
  box.configure(env("second"));
  assertEquals(await inside(box, [], "echo $A"), "second\n");
  Deno.removeSync(`${box.bundle}/config.json`);
  assertEquals(await inside(box, [], "echo $A"), "first\n");
});

rootTest("exec() adds groups", async () => {
  await using box = sandbox();
  await box.sleeping();
  const groups = "sed -n 's/^Groups:\\s*//p' /proc/self/status";
  const words = (text: string) => text.trim().split(/\s+/);
  assertEquals(words(await inside(box, ["-g", "100", "--additional-gids", "200"], groups)), ["100", "200"]);
});

rootTest("exec() gives capabilities, and none that are inherited", async () => {
  await using box = sandbox();
  await box.sleeping();
  const before = await inside(box, [], "grep Cap /proc/self/status");
  const after = await inside(box, ["--cap", "CAP_SYS_TIME", "-c", "CAP_SYS_NICE"], "grep Cap /proc/self/status");
  const set = (text: string, name: string) => BigInt(`0x${new RegExp(`Cap${name}:\\s*(\\S+)`).exec(text)?.[1]}`);
  const added = 1n << 25n | 1n << 23n;
  for (const name of ["Bnd", "Eff", "Prm"]) assertEquals(set(after, name), set(before, name) | added, name);
  assertEquals([set(after, "Inh"), set(after, "Amb")], [0n, 0n]);
});

rootTest("exec() refuses ids that are no whole numbers", async () => {
  await using box = sandbox();
  await box.sleeping();
  for (const user of ["1abc", "", ":5", "4294967296", "-1", "root"]) {
    assertMatch(await box.fails(["exec", "--user", user, box.id, "id"], 255), /^exec failed: parsing /, user);
  }
});

rootTest("exec() lets privileges be gained or not", async () => {
  await using box = sandbox();
  await box.sleeping({ "process.noNewPrivileges": false });
  const flag = "sed -n 's/^NoNewPrivs:\\s*//p' /proc/self/status";
  assertEquals(await inside(box, [], flag), "0\n");
  assertEquals(await inside(box, ["--no-new-privs"], flag), "1\n");
});

rootTest("exec() takes a process from a file, and nothing else then", async () => {
  await using box = sandbox();
  await box.sleeping({ "process.env": ["PATH=/bin", "A=config"] });
  const path = `${box.dir}/process.json`;
  const args = ["/bin/sh", "-c", "echo $A$B; id -u"];
  Deno.writeTextFileSync(
    path,
    JSON.stringify({ user: { uid: 3, gid: 4 }, args, env: ["PATH=/bin", "B=file"], cwd: "/" }),
  );
  assertEquals(await box.ok("exec", "--process", path, box.id), "file\n3\n");
  assertEquals(await box.ok("exec", "-p", path, "--user", "9", box.id), "file\n3\n");
  Deno.writeTextFileSync(path, JSON.stringify({ user: { uid: 3, gid: 4 }, args: [], cwd: "x" }));
  const error = await box.fails(["exec", "-p", path, box.id], 255);
  assertMatch(error, /^exec failed: .*process\.json: .*\/args.*\/cwd|.*\/cwd.*\/args/);
});

rootTest("exec() of a process from a file that names no capabilities has the container's", async () => {
  await using box = sandbox();
  await box.sleeping();
  const path = `${box.dir}/process.json`, args = ["/bin/grep", "Cap", "/proc/self/status"];
  const process = { user: { uid: 0, gid: 0 }, args, cwd: "/", noNewPrivileges: true };
  Deno.writeTextFileSync(path, JSON.stringify(process));
  const printed = await box.ok("exec", "--process", path, box.id);
  assertEquals(printed, await box.ok("exec", box.id, ...args));
  Deno.writeTextFileSync(path, JSON.stringify({ ...process, capabilities: {} }));
  assertMatch(await box.ok("exec", "--process", path, box.id), /CapEff:\s0{16}\n/);
  assertEquals(/CapEff:\s0{16}\n/.test(printed), false, printed);
});

rootTest("exec() does not wait for a detached process, and tells its pid", async () => {
  await using box = sandbox();
  await box.sleeping();
  const path = `${box.dir}/pid`;
  await box.ok("exec", "--detach", "--pid-file", path, box.id, "sleep", "1000");
  const pid = Number(Deno.readTextFileSync(path));
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "sleep\x001000\x00");
  assertEquals(JSON.parse(await box.ok("ps", "-f", "json", box.id)).includes(pid), true);
});

rootTest("exec() works in a created container and leaves it created", async () => {
  await using box = sandbox();
  await box.create({ "process.args": ["sleep", "1000"] });
  await box.ok("exec", box.id, "true");
  assertEquals(await box.status(), "created");
  await box.ok("start", box.id);
  assertEquals(await box.status(), "running");
});

rootTest("exec() in a paused container is refused, or runs when that goes on", async () => {
  await using box = sandbox();
  await box.sleeping();
  await box.ok("pause", box.id);
  const error = await box.fails(["exec", box.id, "true"], 255);
  assertEquals(error, "exec failed: cannot exec in a paused container (use --ignore-paused to override)");
  const running = box.start(["exec", "--ignore-paused", box.id, "touch", "/tmp/done"]);
  await until(async () => (await box.ok("ps", "-f", "json", box.id)).includes(","), "a second process");
  assertEquals(exists(`${box.rootfs}/tmp/done`), false);
  await box.ok("resume", box.id);
  assertEquals((await running.result).code, 0);
  assertEquals(exists(`${box.rootfs}/tmp/done`), true);
});

rootTest("exec() is refused in a container that has stopped", async () => {
  await using box = sandbox();
  await box.sleeping();
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertEquals(await box.fails(["exec", box.id, "true"], 255), "exec failed: cannot exec in a stopped container");
});

rootTest("exec() passes descriptors on that it is told to", async () => {
  await using box = sandbox();
  await box.sleeping();
  Deno.writeTextFileSync(`${box.dir}/file`, "content");
  const after = `3<${box.dir}/file`;
  const how = (...flags: string[]) => box.runo(["exec", ...flags, box.id, "sh", "-c", "cat <&3"], { after });
  assertEquals((await how("--preserve-fds", "1")).stdout, "content");
  assertEquals((await how()).stdout, "");
  const missing = await box.fails(["exec", "--preserve-fds", "1", box.id, "true"], 255);
  assertMatch(missing, /unable to stat preserved-fd 3 \(of 1\)/);
});

rootTest("exec() tells the process of the descriptors of a service manager", async () => {
  await using box = sandbox();
  await box.sleeping();
  Deno.writeTextFileSync(`${box.dir}/file`, "content");
  const script = "echo $LISTEN_FDS $LISTEN_PID; cat <&3";
  const before = "LISTEN_FDS=1 LISTEN_PID=$$; export LISTEN_FDS LISTEN_PID;";
  const { stdout } = await box.runo(["exec", box.id, "sh", "-c", script], { before, after: `3<${box.dir}/file` });
  assertEquals(stdout, "1 1\ncontent");
  const other = { before: "LISTEN_FDS=1 LISTEN_PID=1; export LISTEN_FDS LISTEN_PID;", after: `3<${box.dir}/file` };
  assertEquals((await box.runo(["exec", box.id, "sh", "-c", "echo [$LISTEN_FDS]"], other)).stdout, "[]\n");
});

rootTest("exec() needs a command", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(await box.fails(["exec", box.id], 255), "exec failed: process args cannot be empty");
});
