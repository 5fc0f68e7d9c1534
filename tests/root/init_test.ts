import { assert, assertEquals, assertMatch } from "@std/assert";

import { exists, processStatus, rootTest, RUNO, sandbox, succeeded } from "./harness.ts";

/** Where each descriptor of a process leads. */
function descriptors(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => Number(name)).sort((a, b) => a - b).map((fd) =>
    `${fd} ${Deno.readLinkSync(`/proc/${pid}/fd/${fd}`)}`
  );
}

rootTest("init waits with stdio and the place of exec.fifo, and nothing else of the host", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  succeeded(
    await box.runo(["create", "--bundle", box.bundle, box.id], { after: ">/dev/null 2>/dev/null 5</etc/passwd 9</" }),
  );
  const pid = await box.pid();
  const open = descriptors(pid);
  assertEquals(open.slice(0, 3), ["0 /dev/null", "1 /dev/null", "2 /dev/null"]);
  assertEquals(open.slice(3).map((line) => line.replace(/^\d+ /, "")), [`${box.stateDir}/exec.fifo`]);
  const [fifo] = open[3]!.split(" ");
  const flags = /^flags:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/fdinfo/${fifo}`))?.[1] ?? "";
  // O_PATH and O_CLOEXEC
  assertEquals(parseInt(flags, 8) & 0o12000000, 0o12000000);
  await box.ok("start", box.id);
  await box.reaches("running");
  assertEquals(descriptors(pid), ["0 /dev/null", "1 /dev/null", "2 /dev/null"]);
});

rootTest("init waits with no directory open where the container has no procfs, but for a private one", async () => {
  await using box = sandbox({
    mounts: [],
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
    "process.args": ["sleep", "1000"],
  });
  const pid = await box.create();
  const others = descriptors(pid).slice(3).map((line) => line.replace(/^\d+ /, ""));
  assertEquals(others.filter((path) => path !== "/" && !path.endsWith("/exec.fifo")), []);
  await box.ok("start", box.id);
  assertEquals(await box.status(), "running");
});

rootTest("init has one thread and a few pages, whatever the number of CPUs", async () => {
  await using box = sandbox();
  for (const through of ["taskset -c 0", "taskset -c 0,1"]) {
    succeeded(await box.runo(["create", "--bundle", box.bundle, box.id], { through }));
    const pid = await box.pid();
    assertEquals(processStatus(pid, "Threads"), "1");
    const rss = parseInt(processStatus(pid, "VmRSS"));
    assert(rss <= 64, `${rss} kB`);
    await box.ok("delete", "--force", box.id);
  }
});

rootTest("init is a sealed memory file, never a file of the host", async () => {
  await using box = sandbox();
  const pid = await box.create();
  assertMatch(Deno.readLinkSync(`/proc/${pid}/exe`), /^\/memfd:runo-init \(deleted\)$/);
  for (const mode of [{ write: true }, { append: true }, { write: true, truncate: true }]) {
    const why = refusal(`/proc/${pid}/exe`, mode);
    assert(/Text file busy|Operation not permitted/.test(why), why);
  }
});

/** Why a file cannot be written to. */
function refusal(path: string, mode: Deno.OpenOptions): string {
  try {
    using file = Deno.openSync(path, mode);
    file.writeSync(Uint8Array.of(1));
    return "";
  } catch (error) {
    return String(error);
  }
}

rootTest("init has an empty environment and passes none of the caller's on", async () => {
  await using box = sandbox({ "process.args": ["env"] });
  const env = { GOMAXPROCS: "1", _LIBCONTAINER_X: "1", RUNO_NOFILE_SOFT: "5" };
  succeeded(await box.runo(["create", "--bundle", box.bundle, box.id], { env }));
  const pid = await box.pid();
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/environ`), "");
});

rootTest("init belongs to nobody but root while it waits: it is not dumpable", async () => {
  await using box = sandbox({ "process.user": { uid: 1000, gid: 1000 } });
  const pid = await box.create();
  assertEquals(Deno.statSync(`/proc/${pid}/fd`).uid, 0);
  assertEquals(processStatus(pid, "Uid").split(/\s+/)[0], "1000");
});

rootTest("init is in its final cgroup when create returns", async () => {
  await using box = sandbox();
  const pid = await box.create();
  const lines = Deno.readTextFileSync(`/proc/${pid}/cgroup`).trim().split("\n");
  assertEquals(lines.filter((line) => !line.endsWith(`:${box.cgroup}`)), []);
});

rootTest("run() starts a program with 512 KiB of memory, and with one process", async () => {
  await using box = sandbox();
  const memory = exists("/sys/fs/cgroup/memory") || exists("/sys/fs/cgroup/memory.stat");
  if (memory) {
    assertEquals(await box.run({ "linux.resources.memory": { limit: 524288 } }), { code: 0, stdout: "", stderr: "" });
  }
  assertEquals(await box.run({ "linux.resources.memory": undefined, "linux.resources.pids": { limit: 1 } }), {
    code: 0,
    stdout: "",
    stderr: "",
  });
});

rootTest("a program that is /proc/self/exe cannot reach the host's executable", async () => {
  await using box = sandbox();
  box.file("entry", "#!/proc/self/exe\n");
  const before = identity();
  await box.run({ "process.args": ["/entry"] });
  await box.run({ "process.args": ["/proc/self/exe"] });
  assertEquals(identity(), before);
});

function identity(): string {
  const { size, mtime, ino } = Deno.statSync(RUNO);
  return `${size} ${mtime?.getTime()} ${ino}`;
}
