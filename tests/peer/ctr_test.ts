/** containerd's shim with runo as its binary, driven by ctr, as with runc. */

import { command, type CommandOptions, installed, onTerminal, type Outcome, succeed } from "./clients/command.ts";
import { type Client, compare, RUNC, RUNO } from "./clients/compare.ts";
import { eventually } from "./clients/criu.ts";
import { type Daemon, startContainerd } from "./clients/daemons.ts";
import { type Seen, seen } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";

const usable = Deno.uid() === 0 && await installed("ctr") && await installed("runc");
if (!usable) console.log("ctr scenarios are skipped: they need root, containerd and runc");

let directory = "";
const daemons: Daemon[] = [];
let containers = 0;

/** ctr with one runtime. */
class Ctr implements Client {
  readonly #runtime: string;
  readonly #names: string[] = [];

  constructor(runtime: string) {
    this.#runtime = runtime;
  }

  call(argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
    return command(["ctr", "-a", `${directory}/containerd.sock`, ...argv], options);
  }

  async once(flags: readonly string[], argv: readonly string[], options: CommandOptions = {}): Promise<Seen> {
    const outcome = await this.call(
      ["run", ...this.#flags(), "--rm", ...flags, ...this.#container(), ...argv],
      options,
    );
    // not the container's words, but ctr's own
    if (outcome.stderr.startsWith("ctr: ")) throw new Error(outcome.stderr);
    return seen(outcome);
  }

  async onceOnTerminal(argv: readonly string[]): Promise<Seen> {
    const whole = ["run", ...this.#flags(), "--rm", "-t", ...this.#container(), ...argv];
    const outcome = await onTerminal(["ctr", "-a", `${directory}/containerd.sock`, ...whole]);
    if (outcome.stdout.includes("ctr: ")) throw new Error(outcome.stdout);
    return seen(outcome);
  }

  async detached(flags: readonly string[], script: string): Promise<string> {
    const [rootfs, name] = this.#container();
    const { code, stderr } = await this.call([
      "run",
      ...this.#flags(),
      "-d",
      ...flags,
      rootfs,
      name,
      "sh",
      "-c",
      script,
    ]);
    if (code !== 0) throw new Error(`ctr run -d: exit code ${code}: ${stderr}`);
    return name;
  }

  async exec(name: string, argv: readonly string[], options: CommandOptions = {}): Promise<Seen> {
    return seen(await this.call(["tasks", "exec", "--exec-id", `exec-${++containers}`, name, ...argv], options));
  }

  /** The status of a task, or what takes its place. */
  async status(name: string): Promise<string> {
    const { stdout } = await this.call(["tasks", "ls"]);
    return stdout.split("\n").find((line) => line.startsWith(name))?.split(/\s+/).at(2) ?? "GONE";
  }

  async clean(): Promise<void> {
    for (const name of this.#names.splice(0)) {
      await this.call(["tasks", "rm", "-f", name]);
      await this.call(["containers", "rm", name]);
    }
  }

  #flags(): string[] {
    return ["--runc-binary", this.#runtime, "--env", "PATH=/bin", "--rootfs"];
  }

  /** The root file system and a new name. */
  #container(): [rootfs: string, name: string] {
    const name = `runo-ctr-${Deno.pid}-${++containers}`;
    this.#names.push(name);
    return [`${directory}/rootfs`, name];
  }
}

Deno.test.beforeAll(async () => {
  if (!usable) return;
  directory = await Deno.makeTempDir({ prefix: "runo-ctr-" });
  await makeImage(directory);
  daemons.push(await startContainerd(directory));
});

Deno.test.afterAll(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
  if (directory !== "") await succeed(["rm", "-rf", directory]);
});

const FOREVER = "trap 'exit 5' TERM; while :; do sleep 0.1; done";

/** ctr may close before it has copied the last of the output, with any runtime. */
const LINGER = "sleep 1";

const SCENARIOS: Readonly<Record<string, (ctr: Ctr) => Promise<unknown>>> = {
  "run prints": (c) => c.once([], ["echo", "hello"]),
  "run returns the exit code": (c) => c.once([], ["sh", "-c", "exit 7"]),
  "run passes stdin": (c) => c.once([], ["head", "-n", "1"], { stdin: "into the container\n" }),
  "run with a terminal": (c) => c.onceOnTerminal(["sh", "-c", "test -t 0 && test -t 1 && echo tty"]),
  "run of a missing command fails": (c) => c.once([], ["/no/such"]).then(() => "ran", () => "refused"),
  "run with environment and directory": (c) =>
    c.once(["--env", "A=b", "--cwd", "/tmp"], ["sh", "-c", "echo $A; pwd; id"]),
  "run read-only": (c) => c.once(["--read-only"], ["sh", "-c", "touch /x 2>/dev/null; echo $?"]),
  "run with a memory limit": (c) =>
    c.once(["--memory-limit", "67108864", "--mount", "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro"], [
      ...["cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes"],
    ]),
  "run with a mount": (c) =>
    c.once(["--mount", "type=bind,src=/etc/hostname,dst=/tmp/name,options=bind:ro"], ["test", "-s", "/tmp/name"]),
  "run with seccomp": (c) => c.once(["--seccomp"], ["grep", "Seccomp:", "/proc/self/status"]),
  "run privileged": (c) => c.once(["--privileged"], ["grep", "Cap", "/proc/self/status"]),
  "exec": async (c) => {
    const name = await c.detached([], FOREVER);
    return [
      await c.exec(name, ["sh", "-c", `echo inside; ${LINGER}`]),
      await c.exec(name, ["sh", "-c", "exit 9"]),
      await c.exec(name, ["sh", "-c", `head -n 1; ${LINGER}`], { stdin: "typed\n" }),
      (await c.exec(name, ["/no/such"])).code !== 0,
      await c.exec(name, ["sh", "-c", `grep Cap /proc/self/status; ${LINGER}`]),
    ];
  },
  "exec, thirty times": async (c) => {
    const name = await c.detached([], FOREVER);
    const codes = [];
    for (let n = 0; n < 30; n++) {
      codes.push((await c.exec(name, ["sh", "-c", `echo ${n} >> /tmp/log; exit ${n % 4}`])).code);
    }
    return { codes, log: await c.exec(name, ["sh", "-c", `cat /tmp/log; : > /tmp/log; ${LINGER}`]) };
  },
  "kill and status": async (c) => {
    const name = await c.detached([], FOREVER);
    const before = await c.status(name);
    await c.call(["tasks", "kill", "-s", "SIGKILL", name]);
    await eventually("the end", async () => await c.status(name) !== "RUNNING");
    return { before, after: await c.status(name) };
  },
  "pause and resume": async (c) => {
    const name = await c.detached([], FOREVER);
    const codes = [(await c.call(["tasks", "pause", name])).code];
    const paused = await c.status(name);
    codes.push((await c.call(["tasks", "resume", name])).code);
    return { codes, paused, after: await c.status(name) };
  },
  "ps and metrics": async (c) => {
    const name = await c.detached([], FOREVER);
    const { stdout, code } = await c.call(["tasks", "ps", name]);
    const metrics = await c.call(["tasks", "metrics", name]);
    return { code, lines: stdout.trim().split("\n").length > 1, metrics: metrics.code };
  },
  "two containers at once": async (c) => {
    const both = await Promise.all([c.once([], ["echo", "1"]), c.once([], ["echo", "2"])]);
    return both;
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `ctr: ${name}`,
    ignore: !usable,
    fn: () => compare(scenario, { runc: new Ctr(RUNC), runo: new Ctr(RUNO) }),
  });
}
