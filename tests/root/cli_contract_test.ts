/** What the engines that call a runtime rely on. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { allCommands } from "../../cli/commands.ts";
import { exists, failed, rootTest, RUNO, type Sandbox, sandbox, sleep, succeeded } from "./harness.ts";
import { execute } from "./support/command.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The life of a container in commands, each with the exit code 0. */
async function lifeCycle(box: Sandbox, command: (args: readonly string[]) => Promise<void>): Promise<void> {
  const { id, bundle } = box;
  box.configure({ "process.args": ["sleep", "1000"] });
  await command(["create", "--bundle", bundle, "--pid-file", `${box.dir}/pid`, id]);
  await command(["start", id]);
  await command(["state", id]);
  await command(["exec", id, "true"]);
  await command(["ps", "--format", "json", id]);
  await command(["pause", id]);
  await command(["resume", id]);
  await command(["update", "--pids-limit", "100", id]);
  await command(["events", "--stats", id]);
  await command(["list", "--format=json"]);
  await command(["kill", "--all", id, "KILL"]);
  await box.reaches("stopped");
  await command(["delete", id]);
  await command(["delete", "--force", id]);
}

rootTest("every command works with the few variables that podman leaves", async () => {
  await using box = sandbox();
  await lifeCycle(box, async (args) => {
    succeeded(await box.runo(args, { clearEnv: true, env: { PATH, XDG_RUNTIME_DIR: "/run/none" } }), args[0]);
  });
});

rootTest("every command works on a read-only root file system without a place for temporary files", async () => {
  await using box = sandbox();
  const mounts = `mount --bind ${box.dir} ${box.dir}; mount -o remount,bind,ro /`;
  await lifeCycle(box, async (args) => {
    const how = { clearEnv: true, env: { PATH, TMPDIR: "/nowhere" }, mounts };
    succeeded(await box.runo(args, how), args[0]);
  });
});

rootTest("what programs read is all that is printed", async () => {
  await using box = sandbox();
  await box.sleeping({ annotations: { "a.b": "c=d" } });
  const state = JSON.parse(await box.ok("state", box.id));
  assertEquals(Object.keys(state), [
    "ociVersion",
    "id",
    "pid",
    "status",
    "bundle",
    "rootfs",
    "created",
    "annotations",
    "owner",
  ]);
  assertEquals([state.annotations, state.owner], [{ "a.b": "c=d" }, ""]);
  assertEquals(JSON.parse(await box.ok("ps", "--format", "json", box.id)), [state.pid]);
  assertEquals(JSON.parse(await box.ok("list", "--format=json")).map(({ id }: { id: string }) => id), [box.id]);
  const features = JSON.parse(succeeded(await execute([RUNO, "features"])));
  for (const key of ["ociVersionMin", "ociVersionMax", "mountOptions", "linux"]) assert(key in features, key);
  assert(features.mountOptions.includes("rro"));
  assert(features.linux.namespaces.includes("user") && features.linux.mountExtensions.idmap.enabled);
});

rootTest("--version has the word version on its first line alone", async () => {
  const text = succeeded(await execute([RUNO, "--version"]));
  assertMatch(text, /^runo version \S+\n(commit: [0-9a-f]{40}(-dirty)?\n)?spec: 1\.\d+\.\d+\n$/);
  assertEquals(succeeded(await execute([RUNO, "-v"])), text);
  const asRunc = succeeded(await execute([RUNO, "--version"], { argv0: "/usr/bin/runc" }));
  assertEquals(asRunc, text.replace("runo", "runc"));
});

rootTest("a pid file has digits only, and is there only when the process is", async () => {
  await using box = sandbox();
  await box.sleeping();
  const path = `${box.dir}/exec.pid`;
  succeeded(await box.runo(["exec", "--pid-file", path, box.id, "true"], { before: "umask 027;" }));
  assertMatch(Deno.readTextFileSync(path), /^[0-9]+$/);
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o640);
  Deno.removeSync(path);
  assertMatch(
    await box.fails(["exec", "--pid-file", path, box.id, "no-such-program"], 255),
    /executable file not found/,
  );
  assertEquals(exists(path), false);
});

rootTest("a pid file is replaced in one step", async () => {
  await using box = sandbox();
  await box.sleeping();
  const path = `${box.dir}/exec.pid`;
  Deno.writeTextFileSync(path, "1");
  let done = false;
  const reading = (async () => {
    const seen = new Set<string>();
    for (; !done; await sleep(0)) seen.add(Deno.readTextFileSync(path));
    return [...seen];
  })();
  for (let i = 0; i < 5; i++) await box.ok("exec", "--detach", "--pid-file", path, box.id, "true");
  done = true;
  for (const text of await reading) assertMatch(text, /^[0-9]+$/);
});

/** Records of a log file in JSON. */
function records(path: string): { level: string; msg: string; time: string }[] {
  return Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
}

rootTest("a failure is one record of the log, and the same words on stderr", async () => {
  await using box = sandbox();
  await box.create();
  const cases: [string[], number][] = [
    [["create", "--bundle", "/no/such/bundle", "other"], 1],
    [["create", "--bundle", box.bundle, box.id], 1],
    [["start", "no-such-id"], 1],
    [["exec", "no-such-id", "true"], 255],
    [["exec", box.id, "no-such-program"], 255],
    [["run", "--bundle", box.bundle, box.id], 1],
    [["state", "--bogus", "x"], 1],
    [["state"], 1],
    [["bogus"], 3],
    [["--bogus"], 1],
  ];
  for (const [i, [args, code]] of cases.entries()) {
    const log = `${box.dir}/log-${i}.json`;
    const result = await box.runo(["--log", log, "--log-format", "json", ...args]);
    assertEquals(result.code, code, args.join(" "));
    const [record, ...others] = records(log);
    assertEquals(others, [], args.join(" "));
    assertEquals(record?.level, "error");
    assertMatch(record!.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
    assertEquals(result.stderr.trimEnd(), record!.msg.trimEnd());
    assert(result.stderr.length < 8192);
  }
});

rootTest("a failure has the words from which docker and podman tell its sort", async () => {
  await using box = sandbox();
  box.file("bin/text", "not executable");
  const run = (program: string) => box.refused({ "process.args": [program] });
  assertMatch(await run("no-such-program"), /executable file not found in \$PATH/);
  assertMatch(await run("/no/such/program"), /no such file or directory/);
  assertMatch(await run("/bin/text"), /permission denied/);
  assertMatch(await run("/etc"), /permission denied|is a directory/);
});

rootTest("a failure that is not about the container's program has none of these words", async () => {
  await using box = sandbox();
  const magic = /permission denied|is a directory|not a directory|executable file not found|no such file|operation not/;
  const failures = [
    await box.fails(["create", "--bundle", "/no/such/bundle", "x"]),
    await box.refused({ "root.path": "no-such-rootfs" }),
    await box.refused({ "linux.namespaces": [{ type: "network", path: "/no/such/namespace" }] }),
    await box.fails(["--log", "/no/such/directory/log", "list"]),
    await box.fails(["update", "--resources", "/no/such/file", "x"]),
    await box.fails(["--root", "/no/such/root", "list"]),
  ];
  for (const message of failures) assert(!magic.test(message), message);
});

rootTest("the words for a container that is not there are those that engines look for", async () => {
  await using box = sandbox();
  for (const args of [["state"], ["start"], ["kill"], ["delete"], ["pause"], ["resume"], ["ps"], ["update"]]) {
    assertEquals(await box.fails([...args, "no-such-id"]), "container does not exist", args[0]);
  }
  assertEquals(await box.fails(["exec", "no-such-id", "true"], 255), "exec failed: container does not exist");
  await box.sleeping();
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertEquals(await box.fails(["kill", box.id, "9"]), "container not running");
  assertEquals(await box.fails(["pause", box.id]), "container not running");
});

rootTest("command lines as they are really sent are understood", async () => {
  await using box = sandbox();
  await box.create({
    "process.args": ["sh", "-c", "trap 'exit 7' HUP TERM; trap 'exit 8' 37; while :; do sleep 0.01; done"],
  });
  await box.ok("start", box.id);
  succeeded(await execute([RUNO, `--root=${box.root}`, "state", box.id]));
  succeeded(await execute([RUNO, "-root", box.root, "-log-format=json", "--rootless=false", "--debug=false", "list"]));
  await box.ok("kill", "-a", box.id, "CONT");
  await box.ok("kill", box.id, "--all", "18");
  for (const signal of ["0", "CONT", "sigcont", "SIGCONT"]) await box.ok("kill", box.id, signal);
  await box.ok("kill", box.id, "RTMIN+3");
  await box.reaches("stopped");
  await box.ok("delete", box.id, "--force=true");
  assertMatch(succeeded(await execute([RUNO, "checkpoint", "--help"])), /^NAME:\n {3}runo checkpoint - /);
});

rootTest("restore takes what podman and go-runc send", async () => {
  await using box = sandbox();
  const missing = await box.runo(["restore", "--lsm-mount-context"]);
  assertMatch(missing.stdout + missing.stderr, /flag needs an argument/);
  assertEquals(missing.code, 1);
  assertEquals((await box.fails(["restore", "-no-subreaper", "--bundle", box.bundle, "x"])).includes("flag"), false);
});

rootTest("every command has help, wherever it is asked for", async () => {
  for (const { name } of await allCommands()) {
    for (const args of [[name, "--help"], [name, "-h"], ["help", name]]) {
      const lines = succeeded(await execute([RUNO, ...args])).split("\n");
      assertEquals(lines[0], "NAME:");
      assert(lines[1]?.startsWith(`   runo ${name} - `), lines[1]);
    }
  }
});

rootTest("a wrong command line prints help and one error", async () => {
  const wrong = async (...args: string[]) => {
    const result = await execute([RUNO, ...args], { argv0: "/opt/runc" });
    return [result.stdout.split("\n", 1)[0], failed(result, result.code), result.code];
  };
  const count = '/opt/runc: "state" requires exactly 1 argument(s)';
  assertEquals(await wrong("state"), ["Incorrect Usage.", count, 1]);
  const flag = "flag provided but not defined: -bogus";
  assertEquals(await wrong("state", "--bogus"), [`Incorrect Usage: ${flag}`, flag, 1]);
  assertEquals(await wrong("--bogus"), [`Incorrect Usage. ${flag}`, flag, 1]);
  assertEquals(await wrong("bogus"), ["", "No help topic for 'bogus'\n", 3]);
});
