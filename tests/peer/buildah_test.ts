/** buildah with runo, as with runc. */

import { command, installed, succeed } from "./clients/command.ts";
import { type Client, compare, RUNC, RUNO } from "./clients/compare.ts";
import { type Seen, seen } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";

const usable = Deno.uid() === 0 && await installed("buildah") && await installed("runc");
if (!usable) console.log("buildah scenarios are skipped: they need root, buildah and runc");

let directory = "";
const WORK = "runo-peer-work";

/** buildah with one runtime, on one working container. */
class Buildah implements Client {
  readonly #runtime: string;

  constructor(runtime: string) {
    this.#runtime = runtime;
  }

  static prefix(): string[] {
    return ["buildah", "--root", `${directory}/root`, "--runroot", `${directory}/run`, "--storage-driver", "vfs"];
  }

  async run(flags: readonly string[], argv: readonly string[], stdin?: string): Promise<Seen> {
    const own = ["--runtime", this.#runtime, "--isolation", "oci", "--network", "none"];
    const whole = [...Buildah.prefix(), "run", ...own, ...flags, WORK, "--", ...argv];
    return seen(await command(whole, stdin === undefined ? {} : { stdin }));
  }

  clean(): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test.beforeAll(async () => {
  if (!usable) return;
  directory = await Deno.makeTempDir({ prefix: "runo-buildah-" });
  const { tar } = await makeImage(directory);
  await succeed([...Buildah.prefix(), "from", "--name", WORK, "scratch"]);
  await succeed([...Buildah.prefix(), "add", WORK, tar, "/"]);
});

Deno.test.afterAll(async () => {
  if (directory === "") return;
  await succeed([...Buildah.prefix(), "rm", "--all"]);
  await succeed(["rm", "-rf", directory]);
});

const SCENARIOS: Readonly<Record<string, (buildah: Buildah) => Promise<unknown>>> = {
  "run prints": (b) => b.run([], ["echo", "hello"]),
  "run returns the exit code": (b) => b.run([], ["sh", "-c", "exit 7"]),
  "run passes stdin": (b) => b.run([], ["cat"], "through buildah\n"),
  "run keeps what it writes": async (b) => [
    await b.run([], ["sh", "-c", "echo kept > /tmp/kept"]),
    await b.run([], ["cat", "/tmp/kept"]),
  ],
  "run with user and directory": (b) => b.run(["--user", "1000:1000", "--workingdir", "/tmp"], ["sh", "-c", "id; pwd"]),
  "run with a volume": (b) => b.run(["-v", "/etc/hostname:/tmp/name:ro"], ["test", "-s", "/tmp/name"]),
  "run with fewer capabilities": (b) => b.run(["--cap-drop", "all"], ["grep", "Cap", "/proc/self/status"]),
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `buildah: ${name}`,
    ignore: !usable,
    fn: () => compare(scenario, { runc: new Buildah(RUNC), runo: new Buildah(RUNO) }),
  });
}
