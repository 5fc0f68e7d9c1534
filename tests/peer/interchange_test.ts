/** runc and runo on each other's containers, under one state root. */

import { assertEquals, assertStringIncludes } from "@std/assert";

import { exists, rootTest, RUNO, type Sandbox, sandbox, succeeded } from "../root/harness.ts";
import { execute } from "../root/support/command.ts";

const RUNC = ["/usr/sbin/runc", "/usr/bin/runc"].find(exists);
const without = RUNC === undefined && "it needs the package runc";

/** Makes a container with one of the two and works on it with the other. */
function pairs(): readonly (readonly [maker: string, other: string])[] {
  return [[RUNO, RUNC!], [RUNC!, RUNO]];
}

function run(box: Sandbox, program: string, ...args: readonly string[]) {
  return execute([program, "--root", box.root, ...args], { cwd: box.bundle });
}

async function ok(box: Sandbox, program: string, ...args: readonly string[]): Promise<string> {
  return succeeded(await run(box, program, ...args), `${program} ${args.join(" ")}`);
}

/** The status as this program sees it. */
async function status(box: Sandbox, program: string): Promise<[string, number]> {
  const { status, pid } = JSON.parse(await ok(box, program, "state", box.id));
  return [status, pid];
}

async function reaches(box: Sandbox, program: string, wanted: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await status(box, program))[0] !== wanted) {
    if (performance.now() > deadline) throw new Error(`waited in vain for "${wanted}"`);
  }
}

rootTest("one takes a container of the other through its life", async () => {
  for (const [maker, other] of pairs()) {
    await using box = sandbox({ "process.args": ["sleep", "1000"], annotations: { "a.b": "c=d" } });
    await ok(box, maker, "create", box.id);
    const [, pid] = await status(box, maker);
    assertEquals(await status(box, other), ["created", pid]);
    await ok(box, other, "start", box.id);
    assertEquals([await status(box, other), await status(box, maker)], [["running", pid], ["running", pid]]);
    await ok(box, other, "pause", box.id);
    assertEquals([await status(box, other), await status(box, maker)], [["paused", pid], ["paused", pid]]);
    await ok(box, other, "resume", box.id);
    assertEquals(await ok(box, other, "exec", box.id, "cat", "/proc/1/comm"), "sleep\n");
    await ok(box, other, "kill", box.id, "KILL");
    await reaches(box, other, "stopped");
    assertEquals((await status(box, maker))[0], "stopped");
    await ok(box, other, "delete", box.id);
    assertEquals(box.leftovers(), []);
  }
}, without);

rootTest("state and list print the same of one container", async () => {
  for (const [maker, other] of pairs()) {
    await using box = sandbox({ "process.args": ["sleep", "1000"], annotations: { "z": "1", "a": "2" } });
    await ok(box, maker, "run", "--detach", box.id);
    assertEquals(JSON.parse(await ok(box, other, "state", box.id)), JSON.parse(await ok(box, maker, "state", box.id)));
    assertEquals(await ok(box, other, "list"), await ok(box, maker, "list"));
    assertEquals(
      JSON.parse(await ok(box, other, "list", "--format", "json")),
      JSON.parse(await ok(box, maker, "list", "--format", "json")),
    );
    assertEquals(
      await ok(box, other, "ps", "--format", "json", box.id),
      await ok(box, maker, "ps", "--format", "json", box.id),
    );
  }
}, without);

rootTest("delete --force removes a running container of the other", async () => {
  for (const [maker, other] of pairs()) {
    await using box = sandbox({ "process.args": ["sleep", "1000"] });
    await ok(box, maker, "run", "--detach", box.id);
    await ok(box, other, "delete", "--force", box.id);
    assertEquals(box.leftovers(), []);
  }
}, without);

rootTest("update of one is seen by the other", async () => {
  for (const [maker, other] of pairs()) {
    await using box = sandbox({ "process.args": ["sleep", "1000"] });
    await ok(box, maker, "run", "--detach", box.id);
    await ok(box, other, "update", "--memory", "64M", box.id);
    assertEquals(box.stateFile().config.cgroups.memory, 67108864);
    await ok(box, maker, "update", "--pids-limit", "77", box.id);
    // (runc forgets the limits that it is not told)
    assertEquals(box.stateFile().config.cgroups.pids_limit, 77);
    await ok(box, other, "exec", box.id, "true");
    await ok(box, maker, "delete", "--force", box.id);
    assertEquals(box.leftovers(), []);
  }
}, without);

rootTest("one refuses an id that the other has taken", async () => {
  for (const [maker, other] of pairs()) {
    await using box = sandbox({ "process.args": ["sleep", "1000"] });
    await ok(box, maker, "create", box.id);
    const { code, stderr } = await run(box, other, "create", box.id);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "container with given ID already exists");
    await ok(box, other, "delete", "--force", box.id);
  }
}, without);

rootTest("poststop hooks of a container run whoever deletes it", async () => {
  for (const [maker, other] of pairs()) {
    await using box = sandbox({ "process.args": ["sleep", "1000"] });
    box.configure({ "hooks.poststop": [{ path: "/bin/sh", args: ["sh", "-c", `cat >${box.dir}/hook`] }] });
    await ok(box, maker, "create", box.id);
    await ok(box, other, "delete", "--force", box.id);
    const { id, status, bundle } = JSON.parse(Deno.readTextFileSync(`${box.dir}/hook`));
    assertEquals([id, status, bundle], [box.id, "stopped", box.bundle]);
  }
}, without);

rootTest("the same config has the same effect", async () => {
  const script =
    "cat /proc/self/status | grep -E '^(Uid|Gid|Groups|NoNewPrivs|Cap|SigBlk|Seccomp:|Umask)'; cat /proc/self/limits; " +
    "cut -d' ' -f2-4 /proc/mounts; ls -lan /dev | awk '{print $1,$3,$4,$5,$6,$9}' | grep -v total; env; pwd; hostname; id; ls -A /proc/acpi /sys/firmware; cat /proc/self/oom_score_adj; ls /proc/self/fd";
  for (const user of [{ uid: 0, gid: 0 }, { uid: 1000, gid: 1001, additionalGids: [5] }]) {
    const outputs = [];
    for (const program of [RUNO, RUNC!]) {
      await using box = sandbox({
        "process.args": ["sh", "-c", script],
        "process.user": user,
        "process.cwd": "/tmp",
        "process.rlimits": [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
        "linux.namespaces": ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
        "linux.resources.devices": [{ allow: false, access: "rwm" }],
      });
      outputs.push((await ok(box, program, "run", box.id)).split("\n").map(comparable).filter((line) => line !== ""));
    }
    assertEquals(outputs[0], outputs[1]);
  }
}, without);

/** What may differ: how the cgroup is mounted, and that the tmpfs of masks takes no files at all. */
function comparable(line: string): string {
  return line.includes("cgroup") ? "" : line.replace(",nr_inodes=1", "");
}
