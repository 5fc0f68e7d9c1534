/** docker's checkpoints (an experimental command) with runo, scenario by scenario as with runc. */

import { assert } from "@std/assert";

import { installed, succeed } from "./clients/command.ts";
import { compare, RUNC, RUNO } from "./clients/compare.ts";
import { COUNTING, eventually, withCriu } from "./clients/criu.ts";
import { type Daemon, startContainerd, startDockerd } from "./clients/daemons.ts";
import { Engine, IMAGE } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";

const criu = await withCriu("dockerd");
const reason = "missing" in criu ? criu.missing : await installed("containerd") ? "" : "it needs containerd";

let directory = "";
const daemons: Daemon[] = [];

function docker(runtime: string): Engine {
  const prefix = ["docker", "-H", `unix://${directory}/docker.sock`];
  return new Engine(prefix, ["--runtime", runtime, "--network", "none"], directory);
}

Deno.test.beforeAll(async () => {
  if (reason !== "" || !("before" in criu)) return;
  directory = await Deno.makeTempDir({ prefix: "runo-docker-criu-" });
  const { tar } = await makeImage(directory);
  daemons.push(await startContainerd(directory, [...criu.before, `XDG_RUNTIME_DIR=${directory}`]));
  daemons.push(await startDockerd(directory, { reference: RUNC, runo: RUNO }, ["--experimental"]));
  await docker("reference").must(["import", tar, IMAGE]);
});

Deno.test.afterAll(async () => {
  for (const daemon of daemons.reverse()) await daemon[Symbol.asyncDispose]();
  if (directory !== "") await succeed(["rm", "-rf", directory]);
});

/** A container that counts. */
async function counting(engine: Engine): Promise<string> {
  const name = await engine.detached([], ["sh", "-c", COUNTING]);
  await eventually("numbers", async () => await count(engine, name) > 1);
  return name;
}

/** The last number; the file is empty for a moment while it is written. */
async function count(engine: Engine, name: string): Promise<number> {
  const { stdout } = await engine.exec(name, "until read -r n < /root/count; do sleep 0.02; done; echo $n");
  return Number(stdout || "0");
}

const SCENARIOS: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  "checkpoint, and start from it": async (engine) => {
    const name = await counting(engine);
    const before = await count(engine, name);
    await engine.must(["checkpoint", "create", name, "one"]);
    const stopped = await engine.inspect(name, "{{.State.Status}} {{.State.ExitCode}}");
    // for as long as containerd still has what docker gave it at the checkpoint, docker fails to give it again: "already exists"
    await eventually("the start", async () => (await engine.call(["start", "--checkpoint", "one", name])).code === 0);
    const after = await count(engine, name);
    assert(after > before, `${after} after ${before}`);
    return [stopped, await engine.inspect(name, "{{.State.Status}}")];
  },
  "checkpoint of one that goes on": async (engine) => {
    const name = await counting(engine);
    const made = await engine.must(["checkpoint", "create", "--leave-running", name, "one"]);
    const before = await count(engine, name);
    await eventually("more numbers", async () => await count(engine, name) > before);
    return [made, await engine.must(["checkpoint", "ls", name]), await engine.inspect(name, "{{.State.Status}}")];
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `docker: ${name}${reason === "" ? "" : ` (skipped: ${reason})`}`,
    ignore: reason !== "",
    fn: () => compare(scenario, { runc: docker("reference"), runo: docker("runo") }),
  });
}
