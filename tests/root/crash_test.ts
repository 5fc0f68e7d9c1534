/**
 * The runo command killed at every point where it changes something: whatever is left, `delete --force` removes it.
 * strace(1) counts the calls of the main thread and kills the command at the one that is its turn.
 */

import { assert, assertEquals } from "@std/assert";

import { exists, rootTest, type Sandbox, sandbox, until } from "./harness.ts";
import { processes } from "./support/leftovers.ts";

const without = !exists("/usr/bin/strace") && "it needs the package strace";

/** The calls of each command that leave traces, or that other processes wait for. */
const CALLS = {
  create:
    "mkdir mknodat fchmodat rename unlink write sendto recvmsg socketpair clone3 memfd_create wait4 flock setsockopt",
  run: "mkdir mknodat rename unlink write sendto recvmsg clone3 wait4 ppoll pidfd_open",
  start: "flock pidfd_open ppoll unlink",
  exec: "sendto recvmsg socketpair clone3 memfd_create wait4 pidfd_open setsockopt",
  delete: "flock pidfd_open pidfd_send_signal ppoll rmdir unlink unlinkat",
};

/** The n-th call of that name. */
type Point = readonly [call: string, turn: number];

/** Runs the command, killed at the point. @returns whether it came so far */
async function killedAt(box: Sandbox, args: readonly string[], [call, turn]: Point): Promise<boolean> {
  const inject = `-e trace=${call} -e inject=${call}:signal=KILL:when=${turn}`;
  const { code } = await box.runo(args, { through: `strace -qq -o /dev/null ${inject}` });
  assert(code === 0 || code === 137, `${args[0]} ended with ${code} at ${call} ${turn}`);
  return code !== 0;
}

interface Attempt {
  readonly args: readonly string[];
  /** Makes what the command works on. */
  readonly prepare?: () => Promise<unknown>;
  readonly check: (point: Point) => Promise<void>;
}

/** Kills the command at each call of each name. */
async function everywhere(box: Sandbox, { args, prepare, check }: Attempt): Promise<void> {
  let kills = 0;
  for (const call of CALLS[args[0] as keyof typeof CALLS].split(" ")) {
    for (let turn = 1, killed = true; killed; turn++) {
      await prepare?.();
      killed = await killedAt(box, args, [call, turn]);
      await check([call, turn]);
      kills += Number(killed);
    }
  }
  assert(kills >= 4, `only ${kills} kills`);
}

async function removed(box: Sandbox, point: unknown): Promise<void> {
  assertEquals(await box.runo(["delete", "--force", box.id]), { code: 0, stdout: "", stderr: "" }, String(point));
  // what was being cloned when the command died, dies of the closed conversation
  await until(() => box.leftovers().length === 0, `the end of ${box.leftovers()} after ${point}`);
}

rootTest("create() killed at any call leaves nothing that delete --force does not remove", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const args = ["create", "--bundle", box.bundle, "--pid-file", `${box.dir}/pid`, box.id];
  await everywhere(box, { args, check: (point) => removed(box, point) });
}, without);

rootTest("run --detach killed at any call leaves nothing that delete --force does not remove", async () => {
  await using box = sandbox({
    "process.args": ["sleep", "1000"],
    "linux.namespaces": [{ type: "mount" }, { type: "ipc" }],
    hostname: undefined,
  });
  const args = ["run", "--detach", "--bundle", box.bundle, box.id];
  await everywhere(box, { args, check: (point) => removed(box, point) });
}, without);

rootTest("start() killed at any call leaves a container that reads as what it is", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  await everywhere(box, {
    args: ["start", box.id],
    prepare: () => box.create(),
    check: async (point) => {
      const status = await box.status();
      if (status === "created") await box.ok("start", box.id);
      else assert(status === "running" || status === "stopped", status);
      await removed(box, point);
    },
  });
}, without);

rootTest("exec() killed at any call does the container no harm", async () => {
  await using box = sandbox();
  const pid = await box.sleeping();
  const before = Deno.readTextFileSync(`${box.stateDir}/state.json`);
  await everywhere(box, {
    args: ["exec", box.id, "true"],
    check: async (point) => {
      await until(() => processes(box.cgroup).length === 1, `the end of the process after ${point}`);
    },
  });
  assertEquals(await box.ok("exec", box.id, "echo", "well"), "well\n");
  assertEquals([await box.pid(), await box.status()], [pid, "running"]);
  assertEquals(Deno.readTextFileSync(`${box.stateDir}/state.json`), before);
}, without);

rootTest("delete --force killed at any call can be done again", async () => {
  await using box = sandbox();
  await everywhere(box, {
    args: ["delete", "--force", box.id],
    prepare: () => box.sleeping(),
    check: (point) => removed(box, point),
  });
}, without);

rootTest(
  "run() in the foreground killed at any moment leaves nothing that delete --force does not remove",
  async () => {
    await using box = sandbox({ "process.args": ["sleep", "1000"] });
    for (let delay = 0; delay < 60; delay += 3) {
      const running = box.start(["run", "--bundle", box.bundle, box.id]);
      await new Promise((resolve) => setTimeout(resolve, delay));
      Deno.kill(running.pid, "SIGKILL");
      assertEquals((await running.result).code, 137);
      await removed(box, delay);
    }
  },
);
