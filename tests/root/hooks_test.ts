/** Hooks: when they run, what they are given, what their failure does. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exists, failed, namespaces, rootTest, type Sandbox, sandbox, succeeded, until } from "./harness.ts";

const HOST_PHASES = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"] as const;
const PHASES = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;
type Phase = typeof PHASES[number];

/** A hook that runs a shell script. */
function script(text: string, more: Record<string, unknown> = {}) {
  return { path: "/bin/sh", args: ["sh", "-c", text], ...more };
}

/** Where the hooks of a sandbox write: a directory that host and container see under the same name. */
function shared(box: Sandbox): { readonly dir: string; readonly changes: Record<string, unknown> } {
  const dir = `${box.dir}/shared`;
  Deno.mkdirSync(dir);
  Deno.chmodSync(dir, 0o777);
  const mounts = [{ destination: "/proc", type: "proc", source: "proc" }, {
    destination: dir,
    type: "bind",
    source: dir,
    options: ["bind"],
  }];
  return { dir, changes: { mounts } };
}

function hooksFor(phases: readonly Phase[], make: (phase: Phase) => unknown): Record<string, unknown> {
  return Object.fromEntries(phases.map((phase) => [`hooks.${phase}`, [make(phase)]]));
}

function lines(path: string): string[] {
  return exists(path) ? Deno.readTextFileSync(path).split("\n").filter((line) => line !== "") : [];
}

rootTest("hooks run in the order of the specification, each phase at its command", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const log = `${dir}/log`;
  await box.create({
    ...changes,
    ...hooksFor(PHASES, (phase) => script(`echo ${phase} >>${log}`)),
    "process.args": ["sh", "-c", `echo program >>${log}; sleep 1000`],
  });
  assertEquals(lines(log), ["prestart", "createRuntime", "createContainer"]);
  await box.ok("start", box.id);
  await until(() => lines(log).includes("program"), "the program");
  assertEquals(lines(log)[3], "startContainer");
  assertEquals(lines(log).slice(4).sort(), ["poststart", "program"]);
  await box.ok("delete", "--force", box.id);
  assertEquals(lines(log).length, 7);
  assertEquals(lines(log)[6], "poststop");
});

rootTest("hooks read the state on stdin, with status, pid and annotations of their phase", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const pid = await box.create({
    ...changes,
    ...hooksFor(PHASES, (phase) => script(`cat >${dir}/${phase}`)),
    "process.args": ["sleep", "1000"],
    annotations: { "a.b": "c=d" },
  });
  await box.ok("start", box.id);
  await box.ok("delete", "--force", box.id);
  const states = PHASES.map((phase) => JSON.parse(Deno.readTextFileSync(`${dir}/${phase}`)));
  const about = { ociVersion: "1.3.0", id: box.id, bundle: box.bundle, annotations: { "a.b": "c=d" } };
  assertEquals(states, [
    { ...about, status: "creating", pid },
    { ...about, status: "creating", pid },
    { ...about, status: "creating", pid: 1 },
    { ...about, status: "created", pid: 1 },
    { ...about, status: "running", pid },
    { ...about, status: "stopped" },
  ]);
});

rootTest("hooks run in the namespaces of their phase", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const print = (phase: string) => `for n in mnt net ipc uts pid; do readlink /proc/self/ns/$n; done >${dir}/${phase}`;
  const pid = await box.create({
    ...changes,
    ...hooksFor(PHASES, (phase) => script(print(phase))),
    "process.args": ["sleep", "1000"],
  });
  await box.ok("start", box.id);
  const of = (process: string) =>
    ["mnt", "net", "ipc", "uts", "pid"].map((name) => Deno.readLinkSync(`/proc/${process}/ns/${name}`));
  const [inside, host] = [of(String(pid)), of("self")];
  await box.ok("delete", "--force", box.id);
  for (const phase of PHASES) {
    const where = phase === "createContainer" || phase === "startContainer" ? inside : host;
    assertEquals(lines(`${dir}/${phase}`), where, phase);
  }
});

rootTest("hooks get argv and environment verbatim, without env the caller's or the container's", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const odd = ["my hook", "", "a b", "--x=1"];
  const show = (out: string) =>
    `exec >${out}; read pid rest </proc/self/stat; tr '\\0' '|' </proc/$pid/cmdline; echo; env | grep -v '^PWD\\|^PATH\\|^SHLVL\\|^_='`;
  const given = (phase: Phase) => ({
    path: "/bin/sh",
    // busybox looks at its name
    args: [phase === "startContainer" ? "sh" : "a name", "-c", show(`${dir}/${phase}`), ...odd],
    env: ["ONLY=this one", "B="],
  });
  await box.create({ ...changes, ...hooksFor(PHASES, given), "process.args": ["sleep", "1000"] });
  await box.ok("start", box.id);
  await box.ok("delete", "--force", box.id);
  for (const phase of PHASES) {
    const [argv, ...env] = lines(`${dir}/${phase}`);
    assertStringIncludes(argv!, phase === "startContainer" ? "sh|-c|" : "a name|-c|");
    assertStringIncludes(argv!, "|my hook||a b|--x=1|");
    assertEquals(env.sort(), ["B=", "ONLY=this one"], phase);
  }
  const absent = (phase: Phase) => script(show(`${dir}/${phase}`));
  box.configure({ ...changes, ...hooksFor(PHASES, absent), "process.env": ["PATH=/bin", "IN=side"] });
  succeeded(await box.run(undefined, { env: { PATH: "/usr/bin:/bin", CALLER: "yes" }, clearEnv: true }));
  for (const phase of PHASES) {
    const env = lines(`${dir}/${phase}`).slice(1);
    const inside = phase === "createContainer" || phase === "startContainer";
    assertEquals(env.includes("CALLER=yes"), !inside, phase);
    assertEquals(env.includes("IN=side"), inside, phase);
    assert(!env.some((entry) => entry.startsWith("DENO_") || entry.startsWith("RUNO_")), env.join());
  }
});

rootTest("hooks without args are called by their path", async () => {
  await using box = sandbox();
  const hook = `${box.dir}/hook`;
  Deno.writeTextFileSync(hook, `#!/bin/sh\necho "$0 $#" >${box.dir}/out\n`);
  Deno.chmodSync(hook, 0o755);
  succeeded(await box.run({ "hooks.prestart": [{ path: hook }] }));
  assertEquals(lines(`${box.dir}/out`), [`${hook} 0`]);
  succeeded(await box.run({ "hooks.prestart": [{ path: hook, args: [] }] }));
  assertEquals(lines(`${box.dir}/out`), [`${hook} 0`]);
});

rootTest("hooks start in the bundle, in the root file system or where the process is", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const hooks = hooksFor(PHASES, (phase) => script(`pwd >${dir}/${phase}`));
  succeeded(await box.run({ ...changes, ...hooks, "process.cwd": "/home" }));
  const places = PHASES.map((phase) => lines(`${dir}/${phase}`)[0]);
  assertEquals(places, [box.bundle, box.bundle, box.rootfs, "/home", box.bundle, box.bundle]);
});

rootTest("hooks inherit no descriptor and no signal disposition", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const census = (phase: Phase) =>
    script(
      `read pid rest </proc/self/stat; (cd /proc/$pid/fd; echo *) >${dir}/${phase}; (grep SigIgn /proc/self/status) >>${dir}/${phase}`,
    );
  const result = await box.run({ ...changes, ...hooksFor(PHASES, census) }, {
    after: "3</dev/null 9</dev/null",
    args: ["--preserve-fds", "1"],
  });
  succeeded(result);
  for (const phase of PHASES) {
    const [descriptors, ignored] = lines(`${dir}/${phase}`);
    // the fourth is the directory that the shell reads
    assertMatch(descriptors!, /^0 1 2( \d+)?$/, phase);
    // the shell of busybox itself ignores SIGQUIT
    assertMatch(ignored!, /^SigIgn:\t000000000000000[04]$/, phase);
  }
});

rootTest("hooks keep the caller's limit of open files", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const hooks = hooksFor(PHASES, (phase) => script(`ulimit -Sn >${dir}/${phase}`));
  succeeded(await box.run({ ...changes, ...hooks }, { before: "ulimit -Sn 321;" }));
  for (const phase of PHASES) assertEquals(lines(`${dir}/${phase}`), ["321"], phase);
});

rootTest("startContainer hooks have no more rights than the container's process", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const only = ["CAP_KILL"];
  const show = "id -u; id -g; grep -E '^(CapEff|CapBnd|NoNewPrivs|Groups)' /proc/self/status; umask; ulimit -n; " +
    "cat /proc/self/cgroup | head -1";
  succeeded(
    await box.run({
      ...changes,
      "hooks.startContainer": [script(`(${show}) >${dir}/hook`)],
      "process.args": ["sh", "-c", `(${show}) >${dir}/program`],
      "process.user": { uid: 1000, gid: 1001, umask: 0o027, additionalGids: [7] },
      "process.capabilities": { bounding: only, permitted: only, effective: only },
      "process.rlimits": [{ type: "RLIMIT_NOFILE", soft: 55, hard: 66 }],
    }),
  );
  assertEquals(lines(`${dir}/hook`), lines(`${dir}/program`));
  assertEquals(lines(`${dir}/hook`).slice(0, 2), ["1000", "1001"]);
});

rootTest("createContainer hooks are root with the host's tree, in the container's cgroup", async () => {
  await using box = sandbox();
  const { dir, changes } = shared(box);
  const show = `(id -u; grep CapEff /proc/self/status; cat ${box.bundle}/mark; cat /proc/self/cgroup) >${dir}/hook`;
  Deno.writeTextFileSync(`${box.bundle}/mark`, "of the host\n");
  succeeded(
    await box.run({
      ...changes,
      "hooks.createContainer": [script(show)],
      "linux.namespaces": namespaces("pid", "mount"),
      hostname: undefined,
      "process.user": { uid: 1000, gid: 1000 },
    }),
  );
  const [uid, capabilities, mark, ...cgroups] = lines(`${dir}/hook`);
  assertEquals([uid, mark], ["0", "of the host"]);
  const host = /^CapEff:.*/m.exec(Deno.readTextFileSync("/proc/self/status"))![0];
  assertEquals(capabilities, host);
  assertStringIncludes(cgroups.join(), box.cgroup);
});

for (const phase of ["prestart", "createRuntime", "createContainer", "startContainer", "poststart"] as const) {
  rootTest(`a failing ${phase} hook ends the container, and the poststop hooks run`, async () => {
    await using box = sandbox();
    const { dir, changes } = shared(box);
    const result = await box.run({
      ...changes,
      [`hooks.${phase}`]: [
        script("true"),
        script("cat >/dev/null; echo out; echo err >&2; exit 7"),
        script(`touch ${dir}/third`),
      ],
      "hooks.poststop": [script(`cat >${dir}/poststop`)],
      "process.args": ["sh", "-c", phase === "poststart" ? "sleep 1000" : `touch ${dir}/program`],
    });
    assertStringIncludes(
      failed(result),
      `error running ${phase} hook #1: exit status 7, stdout: out, stderr: err`,
    );
    assert(!exists(`${dir}/third`) && !exists(`${dir}/program`));
    assertEquals(JSON.parse(Deno.readTextFileSync(`${dir}/poststop`)).status, "stopped");
    assertEquals(box.leftovers(), []);
  });
}

rootTest("start() with a failing hook removes the container that create() made", async () => {
  for (const phase of ["startContainer", "poststart"] as const) {
    await using box = sandbox();
    const pid = await box.create({
      [`hooks.${phase}`]: [script("exit 1")],
      "hooks.poststop": [script(`echo once >>${box.dir}/poststop`)],
      "process.args": ["sleep", "1000"],
    });
    assertStringIncludes(await box.fails(["start", box.id]), `error running ${phase} hook #0: exit status 1`);
    assert(!exists(`/proc/${pid}`) || /^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`)));
    assertStringIncludes(await box.fails(["state", box.id]), "container does not exist");
    assertEquals(lines(`${box.dir}/poststop`), ["once"]);
  }
});

rootTest("failing poststop hooks are warnings, and those after them run", async () => {
  await using box = sandbox();
  await box.create({
    "hooks.poststop": [script("exit 3"), { path: "/nowhere/hook" }, script(`touch ${box.dir}/third`)],
    "process.args": ["sleep", "1000"],
  });
  const { code, stderr } = await box.runo(["--log-level", "warning", "delete", "--force", box.id]);
  assertEquals(code, 0);
  assertStringIncludes(stderr, "level=warning");
  assertStringIncludes(stderr, "error running poststop hook #0: exit status 3");
  assertStringIncludes(stderr, 'executing hook \\"/nowhere/hook\\": execve: ENOENT');
  assert(exists(`${box.dir}/third`));
});

rootTest("a hook past its timeout is killed, and what it started is not waited for", async () => {
  for (const phase of HOST_PHASES.slice(0, 3)) {
    await using box = sandbox();
    const { dir, changes } = shared(box);
    // longer than the harness waits
    const hook = script(`sleep 10000 & echo $! >${dir}/child; wait`, { timeout: 1 });
    const line = await box.refused({ ...changes, [`hooks.${phase}`]: [hook] });
    assertStringIncludes(line, `error running ${phase} hook #0: hook ran past specified timeout of 1.0s`);
    const child = Number(lines(`${dir}/child`)[0]);
    if (phase !== "createContainer") Deno.kill(child, "SIGKILL");
  }
});

rootTest("a hook that leaves a process with its output behind is done when it has ended", async () => {
  await using box = sandbox();
  const child = `sleep 100 & echo $! >${box.dir}/child; echo done`;
  succeeded(
    await box.run({ "hooks.prestart": [script(child)], "hooks.poststop": [script("exit 0", { timeout: 60 })] }),
  );
  Deno.kill(Number(lines(`${box.dir}/child`)[0]), "SIGKILL");
});

rootTest("a hook killed by a signal is told by the signal", async () => {
  await using box = sandbox();
  const line = await box.refused({ "hooks.createRuntime": [script("kill -9 $$")] });
  assertStringIncludes(line, "error running createRuntime hook #0: signal: killed, stdout: , stderr: ");
});

rootTest("hooks may close stdin unread, whatever the size of the state", async () => {
  await using box = sandbox();
  const annotations = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key${i}`, "v".repeat(1000)]));
  succeeded(await box.run({ annotations, ...hooksFor(["prestart", "poststop"], () => script("exec <&-")) }));
  const { dir, changes } = shared(box);
  succeeded(await box.run({ ...changes, annotations, "hooks.startContainer": [script(`wc -c >${dir}/size`)] }));
  assert(Number(lines(`${dir}/size`)[0]) > 200_000);
});

rootTest("a hook that prints a lot fails with the end of it on one line", async () => {
  await using box = sandbox();
  const line = await box.refused({ "hooks.prestart": [script("seq 1 100000; seq 1 50000 >&2; exit 1")] });
  assert(line.length < 8192, `${line.length} characters`);
  assertStringIncludes(line, "99999\\n100000");
  assertStringIncludes(line, "49999\\n50000");
});

rootTest("hooks can open /dev/stdin, /dev/stdout and /dev/stderr", async () => {
  await using box = sandbox();
  const hook = script("cat /dev/stdin >/dev/stderr; echo one >/dev/stdout; echo two; exit 1");
  const line = await box.refused({ "hooks.prestart": [hook] });
  assertStringIncludes(line, "stdout: one\\ntwo");
  assertStringIncludes(line, box.id);
});

rootTest("a hook that cannot be executed fails by its errno", async () => {
  await using box = sandbox();
  const line = await box.refused({ "hooks.createRuntime": [{ path: "/nowhere/hook" }] });
  assertStringIncludes(line, 'error running createRuntime hook #0: executing hook "/nowhere/hook": execve: ENOENT');
  // docker takes these words for a missing command of the container
  assert(!line.includes("no such file or directory"));
});

rootTest("edits of config.json after create() change no hook", async () => {
  await using box = sandbox();
  const log = `${box.dir}/log`;
  await box.create({
    "hooks.poststart": [script(`echo poststart >>${log}`)],
    "hooks.poststop": [script(`echo poststop >>${log}`)],
    "process.args": ["sleep", "1000"],
  });
  box.configure({ "hooks.poststart": [script("exit 1")], "hooks.poststop": [script("exit 1")] });
  await box.ok("start", box.id);
  await box.ok("delete", "--force", box.id);
  assertEquals(lines(log), ["poststart", "poststop"]);
});

rootTest("hooks run although the bundle is gone", async () => {
  await using box = sandbox();
  await box.create({
    "hooks.poststart": [script(`touch ${box.dir}/poststart`)],
    "hooks.poststop": [script(`touch ${box.dir}/poststop`)],
    "process.args": ["sleep", "1000"],
  });
  Deno.removeSync(`${box.bundle}/config.json`);
  Deno.renameSync(box.bundle, `${box.dir}/moved`);
  await box.ok("start", box.id);
  await box.ok("delete", "--force", box.id);
  assert(exists(`${box.dir}/poststart`) && exists(`${box.dir}/poststop`));
});

rootTest("empty and absent phases run nothing", async () => {
  await using box = sandbox();
  succeeded(await box.run({ hooks: {} }));
  succeeded(await box.run({ hooks: { prestart: [], poststop: [] } }));
  succeeded(await box.run({ hooks: { createRuntime: [script("true")] } }));
});
