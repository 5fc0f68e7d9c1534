/** mod.ts, in the process of the tests: it must leave that process as it was. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as runo from "../../mod.ts";
import { exists, namespaces, rootTest, type Sandbox, sandbox, until } from "./harness.ts";

/** The settings of a sandbox. */
function settings({ root, bundle }: Sandbox) {
  return { root, bundle };
}

/** What a function throws. */
function thrown(act: () => unknown): Promise<runo.RunoError> {
  return assertRejects(async () => await act(), runo.RunoError);
}

rootTest("create(), start(), exec(), kill() and delete() are a container's life", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const { id } = box, where = settings(box);
  const pid = await runo.create(id, where);
  assertEquals([runo.state(id, where).status, runo.state(id, where).pid], ["created", pid]);
  await runo.start(id, where);
  assertEquals(runo.list(where).map(({ id, status }) => [id, status]), [[id, "running"]]);
  assertEquals(await runo.exec(id, ["sh", "-c", "exit 4"], where), 4);
  assertEquals(await runo.exec(id, { args: ["sh", "-c", "exit $A"], env: ["PATH=/bin", "A=6"] }, where), 6);
  const other = await runo.execDetached(id, ["sleep", "1000"], where);
  assertEquals(runo.pids(id, where).toSorted(), [pid, other].toSorted());
  runo.pause(id, where);
  assertEquals(runo.state(id, where).status, "paused");
  runo.resume(id, where);
  runo.update(id, { pids: { limit: 33 } }, where);
  assertEquals(box.stateFile().config.cgroups.pids_limit, 33);
  assertEquals(runo.stats(id, where).pids.current, 2n);
  runo.kill(id, "KILL", where);
  await until(() => runo.state(id, where).status === "stopped", "the end");
  await runo.delete(id, where);
  assertEquals(runo.list(where), []);
  assertEquals(exists(`/proc/${pid}`), false, "its zombie is gone too");
});

rootTest("run() gives the exit code and leaves nothing behind", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "exit 3"] });
  assertEquals(await runo.run(box.id, settings(box)), 3);
  assertEquals(exists(box.stateDir), false);
});

rootTest("run() leaves other children to those who wait for them", async () => {
  await using box = sandbox({ "process.args": ["sleep", "0.3"] });
  const running = runo.run(box.id, settings(box));
  const other = await new Deno.Command("sh", { args: ["-c", "exit 5"] }).spawn().status;
  assertEquals([other.code, await running], [5, 0]);
  const subreaper = /^ChildSubreaper/m.test(Deno.readTextFileSync("/proc/self/status"));
  assertEquals(subreaper, false);
});

rootTest("events() can be iterated over, and ends with the container", async () => {
  await using box = sandbox();
  await box.sleeping();
  const types: string[] = [];
  for await (const event of runo.events(box.id, { root: box.root, intervalMs: 30 })) {
    types.push(event.type);
    if (types.length === 2) runo.kill(box.id, 9, { root: box.root });
  }
  assertEquals(types.slice(0, 2), ["stats", "stats"]);
});

rootTest("errors say what sort they are of", async () => {
  await using box = sandbox({ "process.args": ["no-such-program"] });
  const where = settings(box);
  assertEquals((await thrown(() => runo.state("no-such-id", where))).code, "not-found");
  assertEquals((await thrown(() => runo.create("a/b", where))).code, "invalid");
  assertEquals((await thrown(() => runo.kill(box.id, "FOO", where))).code, "invalid");
  const failed = await thrown(() => runo.create(box.id, where));
  assertMatch(failed.message, /executable file not found in \$PATH/);
  const missing = { type: "network", path: "/no/such/namespace" };
  box.configure({ "linux.namespaces": [...namespaces("pid", "ipc", "uts", "mount"), missing] });
  const { errno, syscall, step, pointer } = await thrown(() => runo.create(box.id, where));
  assertEquals([errno, pointer], ["ENOENT", "/linux/namespaces/4/path"]);
  assert(syscall !== undefined && step !== undefined);
});

rootTest("warnings and debug records go to whoever takes them", async () => {
  await using box = sandbox({ "hooks.poststop": [{ path: "/bin/false" }] });
  const warnings: string[] = [], records: string[] = [];
  const where = {
    ...settings(box),
    warn: (text: string) => warnings.push(text),
    debug: (text: string) => records.push(text),
  };
  assertEquals(await runo.run(box.id, where), 0);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /poststop hook #0/);
  assert(records.includes("bundle read and checked"));
});

rootTest("plan(), check() and features() make nothing", async () => {
  await using box = sandbox();
  assertMatch((await runo.plan(box.id, settings(box))).text(), /^1\. becoming a clean process\n/);
  assertEquals(runo.check(settings(box)).filter(({ level }) => level === "error"), []);
  assertEquals(runo.features().ociVersionMin, "1.0.0");
  assertEquals(exists(box.root), false);
});

rootTest("a container has the same limit of open files, whoever makes it", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "ulimit -Sn > /tmp/soft; ls /proc/self/fd > /tmp/fds"] });
  const seen = () => ["soft", "fds"].map((name) => Deno.readTextFileSync(`${box.rootfs}/tmp/${name}`));
  const script = `${box.dir}/script.ts`;
  const mod = new URL("../../mod.ts", import.meta.url).href,
    config = new URL("../../deno.json", import.meta.url).pathname;
  Deno.writeTextFileSync(
    script,
    `import * as runo from ${JSON.stringify(mod)};
    await runo.run(${JSON.stringify(box.id)}, ${JSON.stringify(settings(box))});`,
  );
  assertEquals((await box.run(undefined, { before: "ulimit -Sn 321;" })).code, 0);
  const executable = seen();
  assertEquals(executable[0], "321\n");
  // what had the limit is the shell, for Deno has raised its own by the time that it runs the script
  const words = ["sh", "-c", 'ulimit -Sn 321; "$@"; exit $?', "sh", Deno.execPath(), "run", "-A", "-q"];
  const { code, stderr } = await box.command([...words, "-c", config, script]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(seen(), executable);
});
