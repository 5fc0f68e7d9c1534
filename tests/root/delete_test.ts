import { assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, namespaces, rootTest, sandbox, until } from "./harness.ts";
import { isAlive, processStat } from "../../core/host/procfs.ts";
import { processes } from "./support/leftovers.ts";

rootTest("delete() removes a container that has stopped, or is only created", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  await box.create();
  await box.ok("start", box.id);
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  assertEquals(box.leftovers(), []);
  const pid = await box.create();
  await box.ok("delete", box.id);
  assertEquals(box.leftovers(), []);
  // a zombie, for as long as nobody reaps it, but no process
  assertEquals(isAlive(pid, Number(processStat(pid)?.startTime)), false);
  assertStringIncludes(await box.fails(["delete", box.id]), "container does not exist");
});

rootTest("delete() refuses a container that runs or is paused, unless --force", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertStringIncludes(
    await box.fails(["delete", box.id]),
    `cannot delete container ${box.id} that is not stopped: running`,
  );
  await box.ok("pause", box.id);
  assertStringIncludes(
    await box.fails(["delete", box.id]),
    `cannot delete container ${box.id} that is not stopped: paused`,
  );
  assertEquals(await box.status(), "paused");
  await box.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
  await box.sleeping();
  await box.ok("delete", "-f", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("delete --force of an id that nobody knows is no error, and removes what is left of one", async () => {
  await using box = sandbox();
  await box.ok("delete", "--force", box.id);
  for (const content of [undefined, "", "{", "[]", '{"id": "x"}']) {
    Deno.mkdirSync(box.stateDir, { recursive: true });
    if (content !== undefined) Deno.writeTextFileSync(`${box.stateDir}/state.json`, content);
    failed(await box.runo(["delete", box.id]));
    await box.ok("delete", "--force", box.id);
    assertEquals(box.leftovers(), []);
  }
  Deno.mkdirSync(`${box.dir}/keep`);
  failed(await box.runo(["delete", "--force", ".."]));
  failed(await box.runo(["delete", "--force", "../keep"]));
  assertEquals(exists(`${box.dir}/keep`), true);
});

rootTest("delete() removes cgroups that the container made below its own", async () => {
  await using box = sandbox();
  const pid = await box.sleeping();
  const paths = new Set(Object.values(box.stateFile().cgroup_paths) as string[]);
  for (const path of paths) Deno.mkdirSync(`${path}/sub/deeper`, { recursive: true });
  await box.ok("kill", box.id, "KILL");
  await until(() => !exists(`/proc/${pid}/exe`), "the end of init");
  await box.ok("delete", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("delete --force kills what shares the host's pid namespace", async () => {
  await using box = sandbox({ "linux.namespaces": namespaces("mount", "ipc", "uts", "network") });
  await box.create({ "process.args": ["sh", "-c", "sleep 1000 & (setsid sleep 1000 &); exec sleep 1000"] });
  await box.ok("start", box.id);
  await until(() => processes(box.cgroup).length >= 3, "all processes");
  await box.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("delete() of one id twice at the same time removes it once", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  for (let i = 0; i < 6; i++) {
    await box.sleeping();
    const results = await Promise.all([0, 1, 2].map(() => box.runo(["delete", "--force", box.id])));
    for (const result of results) assertEquals(result, { code: 0, stdout: "", stderr: "" });
    assertEquals(box.leftovers(), []);
  }
});

rootTest("delete --force ends a create that is at work", async () => {
  await using box = sandbox({
    "process.args": ["sleep", "1000"],
    "hooks.createRuntime": [{ path: "/bin/sleep", args: ["sleep", "20"], timeout: 30 }],
  });
  const creating = box.start(["create", "--bundle", box.bundle, box.id]);
  await until(() => exists(`${box.stateDir}/exec.fifo`), "the container");
  assertEquals(await box.status(), "creating");
  assertStringIncludes(await box.fails(["delete", box.id]), "creating");
  await box.ok("delete", "--force", box.id);
  await creating.result;
  assertEquals(box.leftovers(), []);
});

rootTest("list() tells of what is there while containers come and go", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  const churn = async (id: string) => {
    for (let i = 0; i < 6; i++) {
      await box.ok("create", "--bundle", box.bundle, id);
      await box.ok("delete", "--force", id);
    }
  };
  let done = false;
  Deno.mkdirSync(box.root);
  box.configure({ "linux.cgroupsPath": undefined });
  const watch = async () => {
    while (!done) assertEquals((await box.runo(["list"])).stderr, "");
  };
  const watching = watch();
  try {
    await Promise.all([churn(`${box.id}a`), churn(`${box.id}b`)]);
  } finally {
    done = true;
    await watching;
  }
});
