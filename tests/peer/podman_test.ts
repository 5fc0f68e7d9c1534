/** podman with runo, scenario by scenario as with runc. */

import { compare, RUNC, RUNO } from "./clients/compare.ts";
import { installed, succeed } from "./clients/command.ts";
import { IMAGE } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";
import { podman } from "./clients/podman.ts";
import { SCENARIOS } from "./clients/scenarios.ts";

const usable = Deno.uid() === 0 && await installed("podman") && await installed("runc");
if (!usable) console.log("podman scenarios are skipped: they need root, podman and runc");

let directory = "";

Deno.test.beforeAll(async () => {
  if (!usable) return;
  directory = await Deno.makeTempDir({ prefix: "runo-podman-" });
  const { tar } = await makeImage(directory);
  await podman(directory, RUNC).must(["import", tar, IMAGE]);
});

Deno.test.afterAll(async () => {
  if (directory !== "") await succeed(["rm", "-rf", directory]);
});

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `podman: ${name}`,
    ignore: !usable,
    fn: () => compare(scenario, { runc: podman(directory, RUNC), runo: podman(directory, RUNO) }),
  });
}
