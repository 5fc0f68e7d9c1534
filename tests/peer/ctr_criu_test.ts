/** Checkpoints of containerd's shim with runo as its binary, driven by ctr, as with runc. */

import { assert } from "@std/assert";

import { command, installed, type Outcome, succeed } from "./clients/command.ts";
import { type Client, compare, RUNC, RUNO } from "./clients/compare.ts";
import { COUNTING, eventually, withCriu } from "./clients/criu.ts";
import { type Daemon, startContainerd } from "./clients/daemons.ts";
import { IMAGE } from "./clients/engine.ts";
import { makeArchive, makeImage } from "./clients/image.ts";

const criu = await withCriu("ctr");
const reason = "missing" in criu ? ` (skipped: ${criu.missing})` : "";
const hasContainerd = reason === "" && await installed("containerd");

const NATIVE = ["--snapshotter", "native"];

let directory = "";
const daemons: Daemon[] = [];
let names = 0;

/** ctr with one runtime, and containers that count. */
class Ctr implements Client {
  readonly #runtime: string;
  readonly #containers: string[] = [];
  readonly #images: string[] = [];

  constructor(runtime: string) {
    this.#runtime = runtime;
  }

  call(...argv: readonly string[]): Promise<Outcome> {
    return command(["ctr", "-a", `${directory}/containerd.sock`, ...argv]);
  }

  async must(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.call(...argv);
    if (code !== 0) throw new Error(`ctr ${argv.join(" ")}: exit code ${code}: ${stderr}`);
    return stdout;
  }

  /** A name for another container. */
  container(): string {
    const name = `runo-ctr-criu-${Deno.pid}-${++names}`;
    this.#containers.push(name);
    return name;
  }

  /** A name for an image, which is removed at the end. */
  image(): string {
    const name = `localhost/runo-ctr-criu:${Deno.pid}-${++names}`;
    this.#images.push(name);
    return name;
  }

  async counting(): Promise<string> {
    const name = this.container();
    const flags = [...NATIVE, "--runc-binary", this.#runtime, "--env", "PATH=/bin"];
    await this.must("run", "--detach", ...flags, IMAGE, name, "sh", "-c", COUNTING);
    await eventually("numbers", async () => await this.count(name) > 1);
    return name;
  }

  /** The last number of a container that counts; the file is empty for a moment while it is written. */
  async count(name: string): Promise<number> {
    const id = `exec-${++names}`;
    const { stdout } = await this.call(
      "tasks",
      "exec",
      "--exec-id",
      id,
      name,
      "sh",
      "-c",
      "until read -r n < /root/count; do sleep 0.02; done; echo $n; sleep 0.2",
    );
    return Number(stdout || "0");
  }

  /** The status of a task, or what takes its place. */
  async status(name: string): Promise<string> {
    const { stdout } = await this.call("tasks", "ls");
    return stdout.split("\n").find((line) => line.startsWith(`${name} `))?.split(/\s+/).at(2) ?? "GONE";
  }

  async clean(): Promise<void> {
    for (const name of this.#containers.splice(0)) {
      await this.call("tasks", "rm", "-f", name);
      await this.call("containers", "rm", name);
    }
    for (const name of this.#images.splice(0)) await this.call("images", "rm", name);
  }
}

Deno.test.beforeAll(async () => {
  if (!hasContainerd || !("before" in criu)) return;
  directory = await Deno.makeTempDir({ prefix: "runo-ctr-criu-" });
  await makeImage(directory);
  // it leaves what it has made of a checkpoint in there
  const before = [...criu.before, `XDG_RUNTIME_DIR=${directory}`];
  daemons.push(await startContainerd(directory, before));
  await new Ctr(RUNC).must("images", "import", ...NATIVE, await makeArchive(directory, IMAGE));
});

Deno.test.afterAll(async () => {
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
  if (directory !== "") await succeed(["rm", "-rf", directory]);
});

const SCENARIOS: Readonly<Record<string, (ctr: Ctr) => Promise<unknown>>> = {
  "tasks checkpoint leaves the task running": async (c) => {
    const name = await c.counting(), images = `${directory}/images-${name}`;
    await c.must("tasks", "checkpoint", "--image-path", images, "--work-path", `${images}-work`, name);
    const before = await c.count(name);
    await eventually("more numbers", async () => await c.count(name) > before);
    return [await c.status(name), await Deno.stat(`${images}/inventory.img`).then(({ isFile }) => isFile)];
  },
  "tasks checkpoint --exit ends the task": async (c) => {
    const name = await c.counting(), images = `${directory}/images-${name}`;
    await c.must("tasks", "checkpoint", "--exit", "--image-path", images, name);
    await eventually("the end", async () => await c.status(name) === "STOPPED");
    return await Deno.stat(`${images}/inventory.img`).then(({ isFile }) => isFile);
  },
  "containers checkpoint and restore": async (c) => {
    const name = await c.counting(), image = c.image(), other = c.container();
    await c.must("containers", "checkpoint", "--rw", "--image", "--task", name, image);
    const counted = await c.count(name);
    const seen = [await c.status(name)];
    await c.must("tasks", "rm", "-f", name);
    await c.must("containers", "rm", name);
    await c.must("containers", "restore", "--rw", "--live", other, image);
    const first = await c.count(other);
    assert(first > 1, `it goes on from ${counted} and not from ${first}`);
    await eventually("more numbers", async () => await c.count(other) > first);
    // once more, what has been restored
    await c.must("tasks", "checkpoint", "--image-path", `${directory}/images-${other}`, other);
    return [...seen, await c.status(other)];
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `ctr: ${name}${reason}`,
    ignore: !hasContainerd,
    fn: () => compare(scenario, { runc: new Ctr(RUNC), runo: new Ctr(RUNO) }),
  });
}
