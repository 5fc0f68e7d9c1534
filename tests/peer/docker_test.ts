/** docker (dockerd, containerd and its shim) with runo, scenario by scenario as with runc. */

import { compare, RUNC, RUNO } from "./clients/compare.ts";
import { installed, succeed } from "./clients/command.ts";
import { type Daemon, startContainerd, startDockerd } from "./clients/daemons.ts";
import { Engine, IMAGE } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";
import { SCENARIOS } from "./clients/scenarios.ts";

const usable = Deno.uid() === 0 && await installed("dockerd") && await installed("containerd") &&
  await installed("runc");
if (!usable) console.log("docker scenarios are skipped: they need root, dockerd, containerd and runc");

let directory = "";
const daemons: Daemon[] = [];

function docker(runtime: string): Engine {
  const prefix = ["docker", "-H", `unix://${directory}/docker.sock`];
  return new Engine(prefix, ["--runtime", runtime, "--network", "none"], directory);
}

Deno.test.beforeAll(async () => {
  if (!usable) return;
  directory = await Deno.makeTempDir({ prefix: "runo-docker-" });
  const { tar } = await makeImage(directory);
  daemons.push(await startContainerd(directory));
  daemons.push(await startDockerd(directory, { reference: RUNC, runo: RUNO }));
  await docker("reference").must(["import", tar, IMAGE]);
});

Deno.test.afterAll(async () => {
  for (const daemon of daemons.reverse()) await daemon[Symbol.asyncDispose]();
  if (directory !== "") await succeed(["rm", "-rf", directory]);
});

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `docker: ${name}`,
    ignore: !usable,
    fn: () => compare(scenario, { runc: docker("reference"), runo: docker("runo") }),
  });
}
