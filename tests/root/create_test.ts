import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, processStatus, rootTest, sandbox, succeeded } from "./harness.ts";

rootTest("create() makes a container that waits", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "echo ran; touch /ran"] });
  const pid = await box.create();
  assertEquals(await box.status(), "created");
  assertEquals(exists(`${box.rootfs}/ran`), false);
  assertEquals(processStatus(pid, "Threads"), "1");
  await box.ok("start", box.id);
  await box.reaches("stopped");
  assertEquals(exists(`${box.rootfs}/ran`), true);
});

rootTest("create() writes what runc writes into state.json", async () => {
  await using box = sandbox({ annotations: { "a.b": "c=d" } });
  const pid = await box.create();
  const state = box.stateFile();
  const started = Number(Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ")[19]);
  assertEquals([state.id, state.init_process_pid, state.init_process_start, state.rootless], [
    box.id,
    pid,
    started,
    false,
  ]);
  assertMatch(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  assertEquals(state.config.rootfs, box.rootfs);
  assertEquals([...state.config.labels].sort(), ["a.b=c=d", `bundle=${box.bundle}`]);
  assertEquals(state.namespace_paths.NEWPID, `/proc/${pid}/ns/pid`);
  assertEquals(state.external_descriptors.length, 3);
  for (const path of Object.values(state.cgroup_paths) as string[]) {
    assert(path.endsWith(box.cgroup), path);
    assertEquals(exists(path), true);
  }
  assertEquals((Deno.statSync(`${box.stateDir}/state.json`).mode ?? 0) & 0o777, 0o600);
  assertEquals((Deno.statSync(box.stateDir).mode ?? 0) & 0o777, 0o711);
  assertEquals((Deno.statSync(`${box.stateDir}/exec.fifo`).mode ?? 0) & 0o777, 0o622);
});

rootTest("create() refuses an id that is taken, and leaves the first container alone", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const pid = await box.sleeping();
  const before = Deno.readTextFileSync(`${box.stateDir}/state.json`);
  assertStringIncludes(
    await box.fails(["create", "--bundle", box.bundle, box.id]),
    "container with given ID already exists",
  );
  assertEquals(Deno.readTextFileSync(`${box.stateDir}/state.json`), before);
  assertEquals(await box.pid(), pid);
  assertEquals(await box.status(), "running");
});

rootTest("create() refuses ids that are no plain names", async () => {
  await using box = sandbox();
  for (const id of ["../x", "..", ".", "a/b", "a b", "ü", "a*", "a\nb"]) {
    assertStringIncludes(await box.fails(["create", "--bundle", box.bundle, id]), "invalid container ID format", id);
  }
  assertStringIncludes(await box.fails(["create", "--bundle", box.bundle, ""]), "container id cannot be empty");
  for (const id of [`${box.id}_A+b.c-1`]) {
    await box.ok("create", "--bundle", box.bundle, id);
    await box.ok("delete", "--force", id);
  }
  assertEquals(box.leftovers(), []);
});

rootTest("create() says what is wrong with the bundle, and leaves nothing", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.fails(["create", "--bundle", `${box.dir}/nowhere`, box.id]), "nowhere");
  Deno.mkdirSync(`${box.dir}/empty`);
  const missing = await box.fails(["create", "--bundle", `${box.dir}/empty`, box.id]);
  assertStringIncludes(missing, "config.json");
  assertStringIncludes(missing, "not found");
  Deno.writeTextFileSync(`${box.dir}/empty/config.json`, "{ nonsense");
  assertStringIncludes(await box.fails(["create", "--bundle", `${box.dir}/empty`, box.id]), "config.json");
  box.configure({ process: undefined });
  assertStringIncludes(
    await box.fails(["create", "--bundle", box.bundle, box.id]),
    "process property must not be empty",
  );
  box.configure({ ociVersion: "9.0.0" });
  assertStringIncludes(await box.fails(["create", "--bundle", box.bundle, box.id]), "ociVersion");
  box.configure({ root: undefined });
  assertStringIncludes(await box.fails(["create", "--bundle", box.bundle, box.id]), "root");
  assertEquals(box.leftovers(), []);
});

/** Configs whose creation fails at different steps, from the first to the last. */
const FAILING = {
  "a namespace that is missing": {
    "linux.namespaces": [{ type: "network", path: "/no/such" }, { type: "mount" }],
    hostname: undefined,
  },
  "a cgroup limit that the kernel refuses": { "linux.resources.cpu": { cpus: "4000" } },
  "a bind source that is missing": { mounts: [{ destination: "/x", source: "/no/such", options: ["bind"] }] },
  "a file system that is unknown": { mounts: [{ destination: "/x", type: "nosuchfs" }] },
  "a sysctl that is unknown": { "linux.sysctl": { "net.no.such": "1" } },
  "a limit that may not be raised": { "process.scheduler": { policy: "SCHED_FIFO", priority: 1 } },
  "a device of which there is another file": {
    "linux.devices": [{ path: "/etc/passwd", type: "c", major: 1, minor: 3 }],
  },
  "a program that is missing": { "process.args": ["/no/such"] },
  "a working directory that is a file": { "process.cwd": "/etc/passwd" },
  "a hostname that is too long": { hostname: "x".repeat(70) },
};

for (const [what, changes] of Object.entries(FAILING)) {
  rootTest(`create() and run() fail with one line and leave nothing: ${what}`, async () => {
    await using box = sandbox({ "process.args": ["sh", "-c", "echo must not run"], ...changes });
    for (const args of [["create"], ["run"], ["run", "--detach"]]) {
      const result = await box.runo([...args, "--bundle", box.bundle, box.id]);
      const message = failed(result);
      assertEquals(result.stdout, "");
      assertNotEquals(message, "");
      assertEquals(box.leftovers(), []);
    }
  });
}

rootTest("create() takes the config as it was: later edits do not matter", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "echo first >/result"] });
  await box.create();
  box.configure({ "process.args": ["sh", "-c", "echo second >/result"], hostname: "other" });
  await box.ok("start", box.id);
  await box.reaches("stopped");
  assertEquals(Deno.readTextFileSync(`${box.rootfs}/result`), "first\n");
  Deno.removeSync(`${box.bundle}/config.json`);
  await box.ok("delete", box.id);
});

rootTest("create() works from the bundle as current directory, and needs no other", async () => {
  await using box = sandbox();
  succeeded(await box.runo(["create", box.id], { cwd: box.bundle }));
  assertEquals((await box.state()).bundle, box.bundle);
  await box.ok("delete", "--force", box.id);
  succeeded(await box.runo(["create", "--bundle", "bundle", box.id], { cwd: box.dir }));
  assertEquals((await box.state()).bundle, box.bundle);
});

rootTest("create() hands stdio to init untouched, and stays with nothing", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "cat; echo out; echo err >&2"] });
  Deno.writeTextFileSync(`${box.dir}/in`, "in\n");
  const after = `<${box.dir}/in >${box.dir}/out 2>${box.dir}/err`;
  assertEquals((await box.runo(["create", "--bundle", box.bundle, box.id], { after })).code, 0);
  await box.ok("start", box.id);
  await box.reaches("stopped");
  assertEquals([Deno.readTextFileSync(`${box.dir}/out`), Deno.readTextFileSync(`${box.dir}/err`)], [
    "in\nout\n",
    "err\n",
  ]);
});

rootTest("create() works with an empty environment", async () => {
  await using box = sandbox();
  succeeded(
    await box.runo(["create", "--bundle", box.bundle, box.id], { clearEnv: true, env: { PATH: "/usr/bin:/bin" } }),
  );
  assertEquals(await box.status(), "created");
});

rootTest("create() shows the caller's argv[0] as the name of init", async () => {
  await using box = sandbox();
  succeeded(await box.runo(["create", "--bundle", box.bundle, box.id], { argv0: "my-rt" }));
  const pid = await box.pid();
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "my-rt\0init\0");
});

rootTest("create() of one id twice at the same time has one winner", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  for (let i = 0; i < 8; i++) {
    const results = await Promise.all([0, 1, 2].map(() => box.runo(["create", "--bundle", box.bundle, box.id])));
    assertEquals(results.filter(({ code }) => code === 0).length, 1);
    for (const result of results.filter(({ code }) => code !== 0)) {
      assertStringIncludes(failed(result), "container with given ID already exists");
    }
    assertEquals(await box.status(), "created");
    await box.ok("delete", "--force", box.id);
    assertEquals(box.leftovers(), []);
  }
});

rootTest("create() refuses a cgroup that is in use", async () => {
  await using first = sandbox({ "process.args": ["sleep", "1000"] });
  await first.sleeping();
  await using second = sandbox({ "linux.cgroupsPath": first.cgroup });
  assertStringIncludes(await second.refused({}), "cgroup is not empty");
  assertEquals(await first.status(), "running");
});
