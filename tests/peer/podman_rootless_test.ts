/** podman of an ordinary user with runo, as with runc. */

import { command, installed, succeed } from "./clients/command.ts";
import { compare, RUNC, RUNO } from "./clients/compare.ts";
import { IMAGE } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";
import { Podman } from "./clients/podman.ts";
import { SCENARIOS } from "./clients/scenarios.ts";

const usable = Deno.uid() === 0 && await installed("podman") && await installed("runc") &&
  await installed("newuidmap");
if (!usable) console.log("rootless podman scenarios are skipped: they need root, podman, runc and uidmap");

const USER = `runo-peer-${Deno.pid}`;
let directory = "";

/** What a user without any cgroup can do. */
const NAMES = [
  ...["run prints", "run returns the exit code", "run returns 137 for a kill", "run of a missing command is 127"],
  ...["run passes stdin", "run with a terminal", "run with environment, directory, user and host name"],
  ...["run read-only", "run with fewer capabilities", "run with the default seccomp profile", "run with a tmpfs"],
  ...["run has the usual devices", "logs", "wait", "exec", "stop", "kill", "restart", "create, then start"],
] as const;

function podman(runtime: string): Podman {
  const environment = [`XDG_RUNTIME_DIR=${directory}/xdg`, `HOME=${directory}/home`, "PATH=/usr/bin:/usr/sbin:/bin"];
  const as = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "env", "-i", ...environment];
  const prefix = [...as, "podman", "--storage-driver", "vfs", "--cgroup-manager=cgroupfs", "--events-backend=file"];
  const limits = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1000:1000"];
  return new Podman([...prefix, "--runtime", runtime], ["--network", "none", ...limits], directory);
}

Deno.test.beforeAll(async () => {
  if (!usable) return;
  directory = await Deno.makeTempDir({ prefix: "runo-rootless-" });
  await Deno.chmod(directory, 0o755);
  await succeed(["useradd", "--no-create-home", "--add-subids-for-system", "--system", "--user-group", USER]);
  const { tar } = await makeImage(directory);
  for (const name of ["xdg", "home"]) {
    await Deno.mkdir(`${directory}/${name}`, { mode: 0o700 });
    await succeed(["chown", USER, `${directory}/${name}`]);
  }
  // a copy that the user may reach, wherever the checkout is
  await Deno.copyFile(RUNO, `${directory}/runo`);
  await podman(RUNC).must(["import", tar, IMAGE]);
});

Deno.test.afterAll(async () => {
  if (directory === "") return;
  await podman(RUNC).call(["system", "reset", "--force"]);
  await command(["pkill", "-9", "-u", USER]);
  await succeed(["userdel", USER]);
  await succeed(["rm", "-rf", directory]);
});

for (const name of NAMES) {
  Deno.test({
    name: `rootless podman: ${name}`,
    ignore: !usable,
    fn: () => compare(SCENARIOS[name]!, { runc: podman(RUNC), runo: podman(`${directory}/runo`) }),
  });
}
