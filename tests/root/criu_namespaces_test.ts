/** Containers in namespaces of somebody else. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { type Changes, exists, failed, map, namespaces, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
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
} from "./support/criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

/** As init of a pid namespace it must take leave of the dead: their numbers are taken until then. */
const REAPING = "while :; do sleep 0.05; done";

/** A process in new namespaces, whose own files in /proc name them; disposing ends it. */
class Holder implements Disposable {
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
  }

  /** @param flags for unshare(1) */
  static async start(box: Sandbox, ...flags: readonly string[]): Promise<Holder> {
    const file = `${box.dir}/holder`;
    const process = new Deno.Command("unshare", {
      args: [...flags, "--fork", "--kill-child", "sh", "-c", `: >${file}; ${REAPING}`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => exists(file), "the holder");
    Deno.removeSync(file);
    return new Holder(process);
  }

  /** A path to one of the namespaces: the only child of unshare(1) is in them. */
  namespace(name: string): string {
    const { pid } = this.#process;
    return `/proc/${childrenOf(pid)[0]}/ns/${name}`;
  }

  async end(): Promise<void> {
    this[Symbol.dispose]();
    await this.#process.status;
  }

  [Symbol.dispose](): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // it has ended
    }
  }
}

criuTest("restore() puts the container back into an external pid namespace, and says when it is gone", async () => {
  await using box = sandbox();
  using holder = await Holder.start(box, "--pid");
  const path = holder.namespace("pid"), inode = Deno.statSync(path).ino;
  const types = [...namespaces("network", "ipc", "uts", "mount"), { type: "pid", path }];
  box.configure({ "process.args": COUNTING, "linux.namespaces": types });
  await counting(box);
  for (let round = 0; round < 2; round++) {
    await box.ok("pause", box.id);
    const init = await box.pid(), processes = [init, ...childrenOf(init)];
    succeeded(await checkpoint(box));
    await until(() => processes.every((pid) => !exists(`/proc/${pid}`)), "its processes to be reaped");
    assertEquals(await restore(box), WELL);
    assertEquals(Deno.statSync(`/proc/${await box.pid()}/ns/pid`).ino, inode);
    await printsMore(box, 1);
  }
  assertCounted(box);
  succeeded(await checkpoint(box));
  await holder.end();
  await until(() => !exists(path), "the end of the namespace");
  const { code, stderr } = await restore(box);
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Requested pid namespace ${path} does not exist`);
  assert(!exists(box.stateDir), "nothing is left");
});

criuTest("restore() joins an external time namespace", async () => {
  await using box = sandbox();
  using holder = await Holder.start(box, "--time", "--boottime", "100000");
  const path = holder.namespace("time"), inode = Deno.statSync(path).ino;
  const types = [...namespaces("pid", "network", "ipc", "uts", "mount"), { type: "time", path }];
  box.configure({ "process.args": COUNTING, "linux.namespaces": types });
  await counting(box);
  for (let round = 0; round < 2; round++) {
    succeeded(await checkpoint(box));
    assertEquals(await restore(box), WELL);
    assertEquals(Deno.statSync(`/proc/${await box.pid()}/ns/time`).ino, inode);
    await printsMore(box, 1);
  }
  assertCounted(box);
  await box.ok("delete", "--force", box.id);
});

criuTest("restore() keeps the offsets of a time namespace of its own", async () => {
  await using box = sandbox();
  box.configure({
    "process.args": COUNTING,
    "linux.namespaces": [...namespaces("pid", "network", "ipc", "uts", "mount"), { type: "time" }],
    "linux.timeOffsets": { boottime: { secs: 1_000_000, nanosecs: 0 } },
  });
  await counting(box);
  const uptime = async () => Number((await box.ok("exec", box.id, "cat", "/proc/uptime")).split(" ")[0]);
  const before = await uptime();
  assert(before > 1_000_000);
  succeeded(await checkpoint(box));
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  assertEquals(await piped(box, args, runo(box)), WELL);
  const after = await uptime();
  assert(after >= before && after < before + 60, `${before}, and then ${after}`);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("restore() refuses an external cgroup namespace, with runc's words", async () => {
  await using box = sandbox();
  using holder = await Holder.start(box, "--cgroup");
  box.configure({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box));
  const joined = { type: "cgroup", path: holder.namespace("cgroup") };
  box.configure({
    "process.args": COUNTING,
    "linux.namespaces": [...namespaces("pid", "network", "ipc", "uts", "mount"), joined],
  });
  const { code, stderr } = await restore(box);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Do not know how to handle namespace NEWCGROUP");
  assert(!exists(box.stateDir), "nothing is left");
});

criuTest("restore() gives a container of an external mount namespace one of its own, and tells it", async () => {
  await using box = sandbox();
  using holder = await Holder.start(box, "--mount");
  const path = holder.namespace("mnt");
  Deno.mkdirSync(`${box.dir}/shared`);
  box.configure({
    "process.args": COUNTING,
    "linux.namespaces": [...namespaces("pid", "network", "ipc", "uts"), { type: "mount", path }],
    "mounts.7": { destination: "/shared", source: `${box.dir}/shared`, type: "bind", options: ["rbind"] },
  });
  await counting(box);
  const mountNamespace = async () => Deno.statSync(`/proc/${await box.pid()}/ns/mnt`).ino;
  assertEquals(await mountNamespace(), Deno.statSync(path).ino);
  for (let round = 0; round < 2; round++) {
    succeeded(await checkpoint(box));
    const { code, stderr } = await restore(box);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "level=warning");
    assertStringIncludes(stderr, `not in mount namespace \\"${path}\\"`);
    const inode = await mountNamespace();
    assert(inode !== Deno.statSync(path).ino && inode !== Deno.statSync("/proc/self/ns/mnt").ino);
    await box.ok("exec", box.id, "touch", `/shared/${round}`);
    assert(exists(`${box.dir}/shared/${round}`));
    await printsMore(box, 2);
  }
  assertCounted(box);
  await box.ok("delete", "--force", box.id);
});

/** What a container with a user namespace has; without a mount of cgroups, which would take a namespace of them too. */
function mapped(box: Sandbox): Changes {
  assert(new Deno.Command("chown", { args: ["-R", "-h", "100000:100000", box.rootfs] }).outputSync().success);
  return {
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
    "mounts.6": { destination: "/media", type: "tmpfs", source: "tmpfs" },
  };
}

criuTest(
  "restore() refuses an external user namespace; without its path the container gets one of its own",
  async () => {
    await using pod = sandbox();
    const types = namespaces("pid", "network", "ipc", "uts", "mount");
    const own = { "linux.namespaces": [...types, { type: "user" }] };
    const pid = await pod.sleeping({ ...mapped(pod), ...own });
    const path = `/proc/${pid}/ns/user`;
    await using box = sandbox({ "process.args": COUNTING });
    box.configure({ ...mapped(box), "linux.namespaces": [...types, { type: "user", path }] });
    await counting(box);
    assertEquals(Deno.statSync(`/proc/${await box.pid()}/ns/user`).ino, Deno.statSync(path).ino);
    succeeded(await checkpoint(box));
    const { code, stderr } = await restore(box);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `criu cannot restore into user namespace \\"${path}\\"`);
    assertStringIncludes(stderr, "without the path and with its maps");
    assertEquals(box.leftovers(), []);
    box.configure({ ...mapped(box), ...own });
    assertEquals(await restore(box), WELL);
    assert(Deno.statSync(`/proc/${await box.pid()}/ns/user`).ino !== Deno.statSync(path).ino, "one of its own");
    assertEquals(Deno.readTextFileSync(`/proc/${await box.pid()}/uid_map`).trim().split(/\s+/), [
      "0",
      "100000",
      "65536",
    ]);
    await printsMore(box, 2);
    assertCounted(box);
  },
);

criuTest("checkpoint() says that a container with a user namespace cannot be in another's ipc namespace", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  using holder = await Holder.start(box, "--ipc");
  const joined = { type: "ipc", path: holder.namespace("ipc") };
  box.configure({
    ...mapped(box),
    "linux.namespaces": [...namespaces("pid", "network", "uts", "mount", "user"), joined],
    "mounts.4": { destination: "/mnt", type: "tmpfs", source: "tmpfs" },
  });
  await counting(box);
  const message = failed(await checkpoint(box));
  assertStringIncludes(message, "a container with a user namespace cannot join a namespace of others");
  await printsMore(box, 2);
  assertCounted(box);
});
