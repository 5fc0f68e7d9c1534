import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { rootTest, sandbox, succeeded } from "./harness.ts";

rootTest("state() shows a container as runc does", async () => {
  await using box = sandbox({ annotations: { "org.b": "x=y", "org.a": "" }, "process.args": ["sleep", "1000"] });
  const pid = await box.create();
  const text = await box.ok("state", box.id);
  const created = box.stateFile().created;
  const expected = {
    ociVersion: JSON.parse(text).ociVersion,
    id: box.id,
    pid,
    status: "created",
    bundle: box.bundle,
    rootfs: box.rootfs,
    created,
    annotations: { "org.a": "", "org.b": "x=y" },
    owner: "",
  };
  assertEquals(text, JSON.stringify(expected, undefined, 2));
  assertMatch(expected.ociVersion, /^1\.\d+\.\d+/);
});

rootTest("state() follows the container through its life", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const pid = await box.create();
  const seen = async () => {
    const { status, pid } = await box.state();
    return [status, pid];
  };
  assertEquals(await seen(), ["created", pid]);
  await box.ok("start", box.id);
  assertEquals(await seen(), ["running", pid]);
  await box.ok("pause", box.id);
  assertEquals(await seen(), ["paused", pid]);
  await box.ok("resume", box.id);
  assertEquals(await seen(), ["running", pid]);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  assertEquals(await seen(), ["stopped", 0]);
  await box.ok("delete", box.id);
  assertStringIncludes(await box.fails(["state", box.id]), "container does not exist");
});

rootTest("list() shows containers by id, as table, as JSON and as ids", async () => {
  await using box = sandbox({ "linux.cgroupsPath": undefined, "process.args": ["sleep", "1000"] });
  const ids = [`${box.id}c`, `${box.id}a`, `${box.id}b`];
  for (const id of ids) await box.ok("create", "--bundle", box.bundle, id);
  assertEquals(await box.ok("list", "--quiet"), ids.toSorted().map((id) => `${id}\n`).join(""));
  const rows = (await box.ok("list")).trim().split("\n").map((line) => line.split(/\s+/));
  assertEquals(rows[0], ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]);
  assertEquals(
    rows.slice(1).map(([id, , status, bundle, , owner]) => [id, status, bundle, owner]),
    ids.toSorted().map((id) => [id, "created", box.bundle, "root"]),
  );
  const json = JSON.parse(await box.ok("list", "--format", "json"));
  assertEquals(
    json.map(({ id, owner }: { id: string; owner: string }) => [id, owner]),
    ids.toSorted().map((id) => [id, "root"]),
  );
});

rootTest("list() goes on after a container that cannot be loaded", async () => {
  await using box = sandbox();
  await box.create();
  Deno.mkdirSync(`${box.root}/broken`);
  Deno.writeTextFileSync(`${box.root}/broken/state.json`, "{");
  const { code, stdout, stderr } = await box.runo(["list", "--quiet"]);
  assertEquals([code, stdout.includes(box.id)], [0, true]);
  assertStringIncludes(stderr, "load container broken");
});

rootTest("state() of an earlier boot's container is stopped, and it can be deleted", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  await box.create();
  const state = box.stateFile();
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  const before = {
    ...state,
    init_process_pid: Deno.pid,
    runo: { ...state.runo, bootId: "11111111-2222-3333-4444-555555555555" },
  };
  Deno.writeTextFileSync(`${box.stateDir}/state.json`, JSON.stringify(before));
  assertEquals(await box.status(), "stopped");
  succeeded(await box.runo(["delete", box.id]));
});
