import { assert, assertEquals, assertMatch } from "@std/assert";
import { rootTest, RUNO, sandbox, succeeded } from "./harness.ts";
import { execute } from "./support/command.ts";

rootTest("list() prints a table, JSON or ids, sorted by id", async () => {
  await using box = sandbox();
  const bundle = ["--bundle", box.bundle];
  box.configure({ "process.args": ["sleep", "1000"] });
  for (const id of ["b", "a"]) {
    box.configure({ "process.args": ["sleep", "1000"], "linux.cgroupsPath": `${box.cgroup}-${id}` });
    await box.ok("create", ...bundle, id);
  }
  await box.ok("start", "b");
  assertEquals(await box.ok("list", "--quiet"), "a\nb\n");
  const lines = (await box.ok("list")).trimEnd().split("\n");
  const widths = `   (\\d+ +)`;
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, /^ID {10}PID {9}STATUS {6}BUNDLE +CREATED +OWNER$/);
  assertMatch(lines[1]!, new RegExp(`^a {8}${widths}created {5}${box.bundle} {3}\\S+Z {3,}root$`));
  assertMatch(lines[2]!, new RegExp(`^b {8}${widths}running {5}${box.bundle} {3}\\S+Z {3,}root$`));
  const json = JSON.parse(await box.ok("list", "-f", "json"));
  assertEquals(json.map(({ id, status, owner }: Record<string, string>) => [id, status, owner]), [
    ["a", "created", "root"],
    ["b", "running", "root"],
  ]);
});

rootTest("list() of nothing", async () => {
  await using box = sandbox();
  assertMatch(await box.fails(["list"]), /^reading root .*: ENOENT$/);
  Deno.mkdirSync(box.root);
  assertEquals(await box.ok("list"), "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
  assertEquals(await box.ok("list", "--format", "json"), "null\n");
  assertEquals(await box.ok("list", "-q"), "");
  assertMatch(await box.fails(["list", "--format", "xml"]), /^invalid format option/);
});

rootTest("list() says what it cannot load, and goes on", async () => {
  await using box = sandbox();
  await box.create();
  Deno.mkdirSync(`${box.root}/broken`);
  const { code, stdout, stderr } = await box.runo(["list", "-q"]);
  assertEquals([code, stdout], [0, `${box.id}\n`]);
  assertEquals(stderr, "load container broken: container does not exist\n");
  await box.ok("delete", "--force", "broken");
});

rootTest("state() has no newline at its end, and no pid once the container has stopped", async () => {
  await using box = sandbox();
  await box.sleeping();
  const text = await box.ok("state", box.id);
  assert(text.startsWith('{\n  "ociVersion": "') && text.endsWith('"\n}'), text);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertEquals(await box.pid(), 0);
  assertEquals(await box.ok("ps", "--format", "json", box.id), "null\n");
});

rootTest("state() is of the same bundle whatever the name it was given by", async () => {
  await using box = sandbox();
  box.configure({ "process.args": ["sleep", "1000"] });
  Deno.symlinkSync(box.bundle, `${box.dir}/link`);
  await box.ok("create", "--bundle", "link", box.id);
  const { bundle, rootfs } = await box.state();
  assertEquals([bundle, rootfs], [box.bundle, box.rootfs]);
});

rootTest("ps() prints the container's lines of the host's ps", async () => {
  await using box = sandbox();
  const pid = await box.sleeping();
  const [heading, line, ...rest] = (await box.ok("ps", box.id)).trimEnd().split("\n");
  assertMatch(heading!, /^UID +PID +PPID/);
  assertMatch(line!, new RegExp(`^root +${pid} .* sleep 1000$`));
  assertEquals(rest, []);
  assertMatch(await box.ok("ps", box.id, "-o", "pid,comm"), new RegExp(`^ +PID COMMAND\n *${pid} sleep\n$`));
  assertEquals(await box.fails(["ps", box.id, "-o", "comm"]), "couldn't find PID field in ps output");
  assertMatch(await box.fails(["ps", "-f", "xml", box.id]), /^invalid format option/);
});

rootTest("spec() writes a config that works", async () => {
  await using box = sandbox();
  const dir = `${box.dir}/new`;
  Deno.mkdirSync(dir);
  succeeded(await box.runo(["spec", "--bundle", dir], { before: "umask 027;" }));
  const { mode } = Deno.statSync(`${dir}/config.json`);
  assertEquals((mode ?? 0) & 0o777, 0o640);
  const text = Deno.readTextFileSync(`${dir}/config.json`);
  assert(text.startsWith('{\n\t"ociVersion": "') && text.endsWith("\n}"), text.slice(0, 40));
  assertEquals(await box.fails(["spec", "-b", dir]), "File config.json exists. Remove it first");
  const { code, stdout } = await execute([RUNO, "check", "--json", "--bundle", dir]);
  assertEquals([code, JSON.parse(stdout).filter(({ level }: { level: string }) => level === "error").length], [1, 1]);
});

rootTest("spec() writes a config for a user", async () => {
  await using box = sandbox();
  succeeded(await box.runo(["spec", "--rootless"]));
  const { linux } = JSON.parse(Deno.readTextFileSync(`${box.dir}/config.json`));
  assertEquals(linux.uidMappings, [{ containerID: 0, hostID: 0, size: 1 }]);
  assertEquals(linux.namespaces.at(-1), { type: "user" });
});

rootTest("plan() makes nothing", async () => {
  await using box = sandbox();
  const text = await box.ok("plan", "--bundle", box.bundle);
  assertMatch(text, /^1\. becoming a clean process\n/);
  const steps = JSON.parse(await box.ok("plan", "--json", "--bundle", box.bundle, box.id));
  assertEquals(text.split("\n").filter((line) => /^\d+\. /.test(line)).length, steps.length);
  const nobody = await execute(["setpriv", "--reuid=65534", "--clear-groups", RUNO, "plan", "-b", box.bundle]);
  assertMatch(succeeded(nobody), /^1\. becoming a clean process\n/);
});

rootTest("config() and completion() know whom they serve", async () => {
  await using box = sandbox();
  assertEquals(JSON.parse(await box.ok("config", "docker")), { runtimes: { runo: { path: RUNO } } });
  for (const engine of ["podman", "containerd", "crio"]) assert((await box.ok("config", engine)).includes(`"${RUNO}"`));
  assertMatch(await box.ok("--systemd-cgroup", "config", "containerd"), /SystemdCgroup = true/);
  assertMatch(await box.fails(["config", "rkt"]), /^unknown engine "rkt"/);
  const bash = `source <(${RUNO} completion bash); COMP_WORDS=(runo st); COMP_CWORD=1; _runo; echo "\${COMPREPLY[*]}"`;
  assertEquals(succeeded(await execute(["bash", "-c", bash])), "start state\n");
  assertMatch(await box.fails(["completion", "tcsh"]), /^unknown shell "tcsh"/);
});
