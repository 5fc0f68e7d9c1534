// `pause` and `resume`.
import { assert, assertEquals } from "@std/assert";
import { rootTest, sandbox, sleep } from "./harness.ts";
import { cgroupFile } from "./support/cgroups.ts";

rootTest("pause() stops every process, resume() lets them go on", async () => {
  await using box = sandbox();
  await box.sleeping({ "process.args": ["sh", "-c", "n=0; while :; do n=$((n+1)); echo $n > /count; done"] });
  const count = () => Deno.readTextFileSync(`${box.rootfs}/count`);
  await box.ok("pause", box.id);
  assertEquals(await box.status(), "paused");
  assertEquals(cgroupFile(box, "freezer/freezer.state"), "FROZEN");
  const before = count();
  await sleep(200);
  assertEquals(count(), before);
  await box.ok("resume", box.id);
  assertEquals(await box.status(), "running");
  while (count() === before) await sleep(10);
});

rootTest("pause() and resume() refuse what is in the wrong state", async () => {
  await using box = sandbox();
  await box.create({});
  assert((await box.fails(["resume", box.id])).includes("container not paused"));
  await box.ok("pause", box.id);
  assert((await box.fails(["pause", box.id])).includes("container not running"));
  await box.ok("resume", box.id);
  assertEquals(await box.status(), "created");
  await box.ok("start", box.id);
  await box.reaches("stopped");
  assert((await box.fails(["pause", box.id])).includes("container not running"));
  assert((await box.fails(["resume", box.id])).includes("container not paused"));
});

rootTest("kill() and delete() end a paused container", async () => {
  await using box = sandbox();
  await box.sleeping();
  await box.ok("pause", box.id);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  await box.sleeping();
  await box.ok("pause", box.id);
  await box.ok("delete", "--force", box.id);
});

rootTest("pause() works while processes are being executed", async () => {
  await using box = sandbox();
  await box.sleeping();
  const busy = Array.from(
    { length: 3 },
    () => box.runo(["exec", box.id, "sh", "-c", "for i in 1 2 3; do true & done"]),
  );
  await box.ok("pause", box.id);
  await box.ok("resume", box.id);
  await Promise.all(busy);
});
