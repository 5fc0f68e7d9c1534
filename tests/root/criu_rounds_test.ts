import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, namespaces, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  restore,
} from "./support/criu.ts";

const GONE = { code: 0, stdout: "", stderr: "" };

criuTest("checkpoint() and restore() ten times keep memory, children, cgroup namespace, binds and pipes", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/shared`);
  const child = "n=100; while :; do n=$((n+1)); echo $n >/shared/child; sleep 0.05; done";
  box.file("bin/child", `#!/bin/sh\n${child}\n`);
  box.configure({
    "process.args": ["sh", "-c", `child & ${COUNTING.at(-1)}`],
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "cgroup"),
    "mounts.7": { destination: "/shared", source: `${box.dir}/shared`, type: "bind", options: ["rbind", "rw"] },
  });
  await counting(box);
  await until(() => exists(`${box.dir}/shared/child`), "the child");
  let seen = 0;
  for (let round = 0; round < 10; round++) {
    assertEquals(await checkpoint(box), GONE, `checkpoint ${round}`);
    const stopped = childCount(box) ?? seen;
    assertEquals(await restore(box), GONE, `restore ${round}`);
    await printsMore(box, 2);
    await until(() => (seen = childCount(box) ?? stopped) !== stopped, "the child to go on");
    assert(seen > stopped, `the child, which was at ${stopped}, did not begin anew: ${seen}`);
    assertStringIncludes(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), ":/\n");
  }
  assertCounted(box);
  assertEquals((await box.state()).status, "running");
  await box.ok("delete", "--force", box.id);
});

/** Undefined while it is being written. */
function childCount(box: Sandbox): number | undefined {
  const text = Deno.readTextFileSync(`${box.dir}/shared/child`);
  return text.endsWith("\n") ? Number(text) : undefined;
}

criuTest("restore() gives the container an init of its own cgroup, with state.json as after create", async () => {
  await using box = sandbox({ "process.args": COUNTING, annotations: { "a.b": "c=d" } });
  await counting(box);
  const before = box.stateFile();
  assertEquals(await checkpoint(box), GONE);
  assert(!exists(box.stateDir), "the container is gone");
  const pidFile = `${box.dir}/pid`;
  assertEquals(await restore(box, "--pid-file", pidFile), GONE);
  const after = box.stateFile();
  assertEquals(Deno.readTextFileSync(pidFile), String(after.init_process_pid));
  assertStringIncludes(Deno.readTextFileSync(`/proc/${after.init_process_pid}/cgroup`), `:${box.cgroup}\n`);
  assertEquals(Object.keys(after).sort(), Object.keys(before).sort());
  assertEquals(after.config.labels, before.config.labels);
  assertEquals(after.cgroup_paths, before.cgroup_paths);
  assertEquals([...Deno.readDirSync(box.stateDir)].map(({ name }) => name), ["state.json"]);
  assertEquals(
    after.config.namespaces.filter(({ type }: { type: string }) => type !== "NEWTIME"),
    before.config.namespaces.filter(({ type }: { type: string }) => type !== "NEWTIME"),
  );
  await printsMore(box, 1);
  assertCounted(box);
});

criuTest("restore() takes another id, and another cgroup with --manage-cgroups-mode ignore", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box, "--manage-cgroups-mode", "ignore"));
  box.configure({ "process.args": COUNTING, "linux.cgroupsPath": `${box.cgroup}-other` });
  const other = `${box.id}-other`;
  const args = [
    "restore",
    "--detach",
    "--bundle",
    box.bundle,
    "--image-path",
    imagesOf(box),
    "--manage-cgroups-mode",
    "ignore",
    other,
  ];
  assertEquals(await piped(box, args), GONE);
  const { pid } = await box.state(other);
  assertStringIncludes(Deno.readTextFileSync(`/proc/${pid}/cgroup`), `:${box.cgroup}-other\n`);
  await printsMore(box, 2);
  assertCounted(box);
  await box.ok("delete", "--force", other);
});

criuTest("restore() refuses an id that is taken, and leaves that container alone", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box, "--leave-running"));
  assertEquals(await box.status(), "running");
  const { stderr, code } = await restore(box);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "container with given ID already exists");
  await printsMore(box, 2);
  assertCounted(box);
});
