import { assertEquals, assertMatch } from "@std/assert";
import { exists, namespaces, rootTest, type Sandbox, sandbox } from "./harness.ts";

/** Several containers of one sandbox, which sleep. */
async function several(box: Sandbox, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    box.configure({ "process.args": ["sleep", "1000"], "linux.cgroupsPath": `${box.cgroup}-${id}` });
    await box.ok("run", "--detach", "--bundle", box.bundle, id);
  }
}

rootTest("delete() refuses a container that runs, unless it is forced", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(await box.fails(["delete", box.id]), `cannot delete container ${box.id} that is not stopped: running`);
  await box.ok("delete", "--force", box.id);
  assertEquals(await box.fails(["delete", box.id]), "container does not exist");
  await box.ok("delete", "-f", box.id);
});

rootTest("delete() kills one that was never started, and one that is paused", async () => {
  await using box = sandbox();
  await box.create();
  await box.ok("delete", box.id);
  await box.sleeping();
  await box.ok("pause", box.id);
  await box.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("delete() and kill() take a regular expression", async () => {
  await using box = sandbox();
  await several(box, ["web-1", "web-2", "db-1"]);
  await box.ok("kill", "--regex", "^web-", "KILL");
  for (const id of ["web-1", "web-2"]) await box.ok("delete", "--force", "-r", `^${id}$`);
  assertEquals(await box.ok("list", "-q"), "db-1\n");
  assertMatch(await box.fails(["delete", "--regex", "["]), /^invalid regular expression "\["/);
  await box.ok("delete", "-r", "-f", "nothing-like-it");
  await box.ok("delete", "-r", "-f", ".");
  assertEquals(await box.ok("list", "-q"), "");
});

rootTest("kill() refuses what is no signal", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(await box.fails(["kill", box.id, "FOO"]), 'unknown signal "FOO"');
  assertEquals(await box.fails(["kill", box.id, "-x"]), 'unknown signal "-x"');
});

rootTest("start() does it once", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(await box.fails(["start", box.id]), "cannot start an already running container");
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertEquals(await box.fails(["start", box.id]), "cannot start a container that has stopped");
});

rootTest("create() refuses bad ids and ids that are taken", async () => {
  await using box = sandbox();
  await box.create();
  const create = (id: string) => box.fails(["create", "--bundle", box.bundle, id]);
  assertEquals(await create(box.id), "runo create failed: container with given ID already exists");
  assertEquals(await box.status(), "created");
  for (const id of ["..", ".", "a/b", "a b", "../x"]) assertMatch(await create(id), /invalid container ID format/, id);
});

rootTest("create() reads another config, below another bundle", async () => {
  await using box = sandbox();
  const config = Deno.readTextFileSync(`${box.bundle}/config.json`);
  Deno.writeTextFileSync(`${box.dir}/other.json`, config.replace('"true"', '"echo","other"'));
  Deno.removeSync(`${box.bundle}/config.json`);
  const { stdout } = await box.run(undefined, { args: ["--config", "other.json"] });
  assertEquals(stdout, "other\n");
});

rootTest("run() removes the container in the end, unless it is to be kept", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "exit 5"] });
  assertEquals((await box.run()).code, 5);
  assertEquals(exists(box.stateDir), false);
  assertEquals((await box.run(undefined, { args: ["--keep"] })).code, 5);
  assertEquals(await box.status(), "stopped");
  await box.ok("delete", box.id);
});

rootTest("run() gives 128 and the signal that killed the container", async () => {
  await using box = sandbox({
    "process.args": ["sh", "-c", "kill -KILL $$"],
    "hostname": undefined,
    "linux.namespaces": namespaces("mount"),
  });
  assertEquals((await box.run()).code, 137);
});

rootTest("run() passes signals on", async () => {
  await using box = sandbox({
    "process.args": ["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"],
  });
  const running = box.start(["run", "--bundle", box.bundle, box.id]);
  await box.reachesOutput(running, "ready\n");
  Deno.kill(running.pid, "SIGTERM");
  assertEquals((await running.result).code, 9);
});

rootTest("run() keeps descriptors that it is told to", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "cat <&3; cat <&4"] });
  Deno.writeTextFileSync(`${box.dir}/file`, "content");
  const file = `${box.dir}/file`;
  const two = await box.run(undefined, { args: ["--preserve-fds", "2"], after: `3<${file} 4<${file}` });
  assertEquals(two.stdout, "contentcontent");
  const one = await box.run(undefined, { args: ["--preserve-fds=1"], after: `3<${file} 4<${file}` });
  assertEquals(one.stdout, "content");
});

rootTest("update() reads its limits from flags, a file or stdin", async () => {
  await using box = sandbox();
  await box.sleeping({ "linux.resources.pids": { limit: 50 } });
  const limit = () => box.stateFile().config.cgroups.pids_limit;
  assertEquals(limit(), 50);
  await box.ok("update", "--pids-limit", "60", box.id);
  assertEquals(limit(), 60);
  Deno.writeTextFileSync(`${box.dir}/limits.json`, '{"pids":{"limit":70}}');
  await box.ok("update", "-r", "limits.json", box.id);
  assertEquals(limit(), 70);
  const stdin = '{"pids":{"limit":80},"memory":{"limit":0}}';
  assertEquals((await box.runo(["update", "--resources=-", "--pids-limit", "5", box.id], { stdin })).code, 0);
  assertEquals(limit(), 80);
  assertMatch(
    await box.fails(["update", "--memory", "lots", box.id]),
    /^invalid value for memory: invalid size: 'lots'/,
  );
  assertMatch(await box.fails(["update", "--cpu-share", "x", box.id]), /^invalid value for cpu-share: /);
});

rootTest("events() prints what the container uses until it ends", async () => {
  await using box = sandbox();
  await box.sleeping();
  const { type, id, data } = JSON.parse(await box.ok("events", "--stats", box.id));
  assertEquals([type, id, data.pids.current], ["stats", box.id, 1]);
  assertMatch(await box.ok("events", "--stats", "--format", "table", box.id), /^CPU +CPU TIME +MEMORY .*\n- +\d/);
  const running = box.start(["events", "--interval", "50ms", box.id]);
  await box.reachesOutput(running, "\n");
  await box.ok("kill", box.id, "KILL");
  const { code, stdout } = await running.result;
  assertEquals(code, 0);
  for (const line of stdout.trimEnd().split("\n")) assertEquals(JSON.parse(line).type, "stats");
  assertMatch(await box.fails(["events", "--interval", "0s", box.id]), /interval must be greater than 0|not running/);
});

rootTest("--debug tells what is done in its order", async () => {
  await using box = sandbox();
  const log = `${box.dir}/log`;
  assertEquals((await box.runo(["--debug", "--log", log, "run", "-b", box.bundle, box.id])).code, 0);
  const said = Deno.readTextFileSync(log).trimEnd().split("\n");
  for (const line of said) assertMatch(line, /^time="[^"]+" level=debug msg=".*" at=[\d.]+ms took=[\d.]+ms$/);
  const at = (words: string) => said.findIndex((line) => line.includes(words));
  const order = ["bundle read", "state directory", "init started", "init executes", "container removed"].map(at);
  assertEquals(order, order.toSorted((a, b) => a - b));
  assertEquals(order.includes(-1), false);
});
