/** podman with runo, scenario by scenario as with runc. */

import { compare, RUNC, RUNO } from "./clients/compare.ts";
import { installed, succeed } from "./clients/command.ts";
import { Engine, IMAGE } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";
import { SCENARIOS } from "./clients/scenarios.ts";

const usable = Deno.uid() === 0 && await installed("podman") && await installed("runc");
if (!usable) console.log("podman scenarios are skipped: they need root, podman and runc");

let directory = "";

function podman(runtime: string): Engine {
  const storage = ["--root", `${directory}/root`, "--runroot", `${directory}/run`, "--tmpdir", `${directory}/tmp`];
  const prefix = [
    "podman",
    ...storage,
    "--storage-driver",
    "vfs",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
  ];
  // without CAP_SYS_RESOURCE podman's own limits cannot be set
  const limits = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1000:1000"];
  return new Engine([...prefix, "--runtime", runtime], ["--network", "none", ...limits], directory);
}

Deno.test.beforeAll(async () => {
  if (!usable) return;
  directory = await Deno.makeTempDir({ prefix: "runo-podman-" });
  const { tar } = await makeImage(directory);
  await podman(RUNC).must(["import", tar, IMAGE]);
});

Deno.test.afterAll(async () => {
  if (directory !== "") await succeed(["rm", "-rf", directory]);
});

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `podman: ${name}`,
    ignore: !usable,
    fn: () => compare(scenario, { runc: podman(RUNC), runo: podman(RUNO) }),
  });
}
