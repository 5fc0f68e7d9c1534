import { assertEquals, assertStringIncludes } from "@std/assert";

import { exists, rootTest, sandbox } from "./harness.ts";

/** What chrt(1) says of a process of the host. */
async function chrt(pid: number): Promise<string> {
  const { stdout } = await new Deno.Command("chrt", { args: ["-p", String(pid)] }).output();
  return new TextDecoder().decode(stdout);
}

rootTest("run() sets the scheduler", async () => {
  await using box = sandbox();
  // cgroup v1 gives a new cgroup no time for real-time policies
  const cpu = exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us")
    ? { realtimePeriod: 1000000, realtimeRuntime: 20000 }
    : undefined;
  const seen = async (scheduler: unknown) => {
    const pid = await box.create({
      "process.scheduler": scheduler,
      "process.args": ["sleep", "1000"],
      "linux.resources.cpu": cpu,
      // at the top, where there is such time to be had
      "linux.cgroupsPath": `/${box.id}`,
    });
    await box.ok("start", box.id);
    const nice = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ")[16];
    const text = await chrt(pid);
    await box.ok("delete", "--force", box.id);
    return `${/policy: (\S+)/.exec(text)?.[1]} ${/priority: (\S+)/.exec(text)?.[1]} ${nice}`;
  };
  assertEquals(await seen({ policy: "SCHED_BATCH", nice: 7 }), "SCHED_BATCH 0 7");
  assertEquals(await seen({ policy: "SCHED_IDLE" }), "SCHED_IDLE 0 0");
  assertEquals(
    await seen({ policy: "SCHED_OTHER", nice: 19, flags: ["SCHED_FLAG_RESET_ON_FORK"] }),
    "SCHED_OTHER|SCHED_RESET_ON_FORK 0 19",
  );
  assertEquals(await seen({ policy: "SCHED_RR", priority: 3 }), "SCHED_RR 3 0");
  assertEquals(await seen({ policy: "SCHED_FIFO", priority: 9 }), "SCHED_FIFO 9 0");
  const deadline = { policy: "SCHED_DEADLINE", runtime: 5000000, deadline: 20000000, period: 30000000 };
  assertStringIncludes(await seen(deadline), "SCHED_DEADLINE");
});

rootTest("run() refuses a scheduler that makes no sense", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "process.scheduler": { policy: "SCHED_BOGUS" } }), "/process/scheduler");
  assertStringIncludes(
    await box.refused({ "process.scheduler": { policy: "SCHED_OTHER", priority: 3 } }),
    "/process/scheduler",
  );
  assertStringIncludes(
    await box.refused({ "process.scheduler": { policy: "SCHED_FIFO", priority: 3000 } }),
    "/process/scheduler",
  );
});

rootTest("run() sets the io priority", async () => {
  await using box = sandbox();
  const seen = (ioPriority: unknown) => box.shell("ionice -p $$", { "process.ioPriority": ioPriority });
  assertEquals(await seen({ class: "IOPRIO_CLASS_BE", priority: 4 }), "best-effort: prio 4\n");
  assertEquals(await seen({ class: "IOPRIO_CLASS_RT", priority: 1 }), "realtime: prio 1\n");
  assertStringIncludes(await seen({ class: "IOPRIO_CLASS_IDLE", priority: 0 }), "idle");
  assertStringIncludes(
    await box.refused({ "process.ioPriority": { class: "IOPRIO_CLASS_BE", priority: 8 } }),
    "/process/ioPriority",
  );
});

rootTest("run() sets the personality", async () => {
  await using box = sandbox();
  assertEquals(await box.shell("uname -m", { "linux.personality": { domain: "LINUX32" } }), "i686\n");
  assertEquals(await box.shell("uname -m", { "linux.personality": { domain: "LINUX" } }), `${Deno.build.arch}\n`);
});

rootTest("run() sets the memory policy", async () => {
  await using box = sandbox();
  const seen = async (memoryPolicy: unknown) =>
    (await box.shell("head -n 1 /proc/self/numa_maps | cut -d' ' -f2", { "linux.memoryPolicy": memoryPolicy })).trim();
  assertEquals(await seen({ mode: "MPOL_BIND", nodes: "0" }), "bind:0");
  assertEquals(
    await seen({ mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }),
    "interleave=static:0",
  );
  assertEquals(await seen({ mode: "MPOL_DEFAULT", nodes: "" }), "default");
  assertStringIncludes(await box.refused({ "linux.memoryPolicy": { mode: "MPOL_BIND", nodes: "1000" } }), "MPOL_BIND");
  // none of them is lost on the way to the kernel
  assertStringIncludes(
    await box.refused({ "linux.memoryPolicy": { mode: "MPOL_PREFERRED", nodes: "5000" } }),
    "MPOL_PREFERRED 5000",
  );
  assertStringIncludes(
    await box.refused({ "linux.memoryPolicy": { mode: "MPOL_BOGUS", nodes: "0" } }),
    "/linux/memoryPolicy",
  );
});

rootTest("run() joins a session keyring of its own, unless --no-new-keyring", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const keyring = async (...args: readonly string[]) => {
    const pid = await box.create(undefined, ...args);
    const text = Deno.readTextFileSync("/proc/keys");
    await box.ok("delete", "--force", box.id);
    return [pid > 0, text.includes(`_ses.${box.id}`)];
  };
  // the other way round the old one could still be there
  assertEquals(await keyring("--no-new-keyring"), [true, false]);
  assertEquals(await keyring(), [true, true]);
});
