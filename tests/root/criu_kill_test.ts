import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, type Sandbox, sandbox, sleep, succeeded, until } from "./harness.ts";
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
  runo,
  WITH_CRIU,
} from "./support/criu.ts";

/** Milliseconds after the start of a command, or of its CRIU, at which that is killed. */
const MOMENTS = [10, 60, 90, 120, 150, 180, 220, 260, 320, 400];

/** The processes of CRIU that work on this sandbox, newest first; none of another test. */
function criuProcesses(box: Sandbox): number[] {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => pid > 0);
  return pids.filter((pid) => isCriuOf(pid, box)).sort((a, b) => b - a);
}

/** Kills CRIU that long after the command has started it, unless the command has ended by then. */
async function killCriu(box: Sandbox, moment: number, command: Promise<unknown>): Promise<void> {
  let ended = false;
  command.then(() => ended = true, () => ended = true);
  await until(() => ended || criuProcesses(box).length > 0, "CRIU");
  await sleep(moment);
  for (const pid of criuProcesses(box)) kill(pid);
}

function isCriuOf(pid: number, box: Sandbox): boolean {
  try {
    const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
    return command.includes("criu") && command.includes("rpc") &&
      Deno.readLinkSync(`/proc/${pid}/cwd`).startsWith(box.dir);
  } catch {
    return false;
  }
}

/** The container runs on as if nothing had been, or it is gone with all that belongs to it. */
async function assertWholeOrGone(box: Sandbox, moment: number): Promise<"running" | "stopped"> {
  await until(() => criuProcesses(box).length === 0, "the end of CRIU");
  await until(async () => await statusOf(box) !== "paused", "the guard to let it go on");
  const status = await statusOf(box);
  if (status !== "running") {
    await box.ok("delete", "--force", box.id);
    assertEquals(box.leftovers(), [], `left behind after ${moment} ms`);
    return "stopped";
  }
  await printsMore(box, 2);
  assertCounted(box);
  return "running";
}

/** A command that was killed while it removed the container may have left a directory, which `delete --force` takes away. */
async function statusOf(box: Sandbox): Promise<string> {
  const { code, stdout, stderr } = await box.runo(["state", box.id]);
  if (code === 0) return JSON.parse(stdout).status;
  assertStringIncludes(stderr, "container does not exist");
  return "gone";
}

async function begun(box: Sandbox): Promise<void> {
  if (exists(`${box.dir}/piped-out`)) Deno.removeSync(`${box.dir}/piped-out`);
  await counting(box);
}

criuTest("checkpoint() whose CRIU is killed at any moment leaves a container that runs, or none", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  let running = false, interrupted = 0;
  for (const moment of MOMENTS) {
    if (!running) await begun(box);
    const checkpointing = checkpoint(box);
    await killCriu(box, moment, checkpointing);
    const { code, stderr } = await checkpointing;
    if (code !== 0) assertStringIncludes(stderr, "criu failed");
    interrupted += code;
    running = await assertWholeOrGone(box, moment) === "running";
  }
  assert(interrupted > 0, "some were interrupted");
});

criuTest("checkpoint() that is killed itself at any moment leaves a container that runs, or none", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  let running = false;
  for (const moment of MOMENTS) {
    if (!running) await begun(box);
    const command = box.start([...WITH_CRIU, "checkpoint", "--image-path", imagesOf(box), box.id]);
    await sleep(moment);
    kill(command.pid);
    await command.result;
    running = await assertWholeOrGone(box, moment) === "running";
  }
});

criuTest("restore() whose CRIU is killed at any moment leaves a container that runs, or none", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await begun(box);
  succeeded(await checkpoint(box));
  for (const moment of MOMENTS) {
    const restoring = restore(box);
    await killCriu(box, moment, restoring);
    const { code, stderr } = await restoring;
    if (code !== 0) {
      assertStringIncludes(stderr, "criu failed");
      assertEquals(box.leftovers(), [], `left behind after ${moment} ms`);
    }
    await box.ok("delete", "--force", box.id);
    assertEquals(box.leftovers(), [], `left behind by delete after ${moment} ms`);
  }
});

criuTest("restore() that is killed itself at any moment leaves nothing that delete cannot take away", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await begun(box);
  succeeded(await checkpoint(box));
  const files = [...Deno.readDirSync(`${box.rootfs}/bin`)].length;
  for (const moment of MOMENTS) {
    const program = ["timeout", "--signal=KILL", `${moment / 1000}`, ...runo(box)];
    await piped(box, ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id], program);
    await box.ok("delete", "--force", box.id);
    await until(() => box.leftovers().length === 0, `nothing to be left after ${moment} ms`);
  }
  assertEquals([...Deno.readDirSync(`${box.rootfs}/bin`)].length, files, "the root file system is untouched");
  succeeded(await restore(box));
  await printsMore(box, 2);
  assert(exists(box.stateDir));
});

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}
