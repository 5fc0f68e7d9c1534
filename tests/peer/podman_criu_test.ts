/** podman's checkpoints with runo, scenario by scenario as with runc. */

import { assertEquals } from "@std/assert";

import { compare, RUNC, RUNO } from "./clients/compare.ts";
import { command, succeed } from "./clients/command.ts";
import { COUNTING, eventually, withCriu } from "./clients/criu.ts";
import { type Engine, IMAGE } from "./clients/engine.ts";
import { makeImage } from "./clients/image.ts";
import { podman } from "./clients/podman.ts";
import { LISTENING } from "../root/support/criu.ts";

const criu = await withCriu("podman");
const before = "before" in criu ? criu.before : [];
const reason = "missing" in criu ? ` (skipped: ${criu.missing})` : "";

let directory = "";

Deno.test.beforeAll(async () => {
  if (reason !== "") return;
  directory = await Deno.makeTempDir({ prefix: "runo-podman-criu-" });
  const { tar } = await makeImage(directory);
  await podman(directory, RUNC).must(["import", tar, IMAGE]);
});

Deno.test.afterAll(async () => {
  if (directory === "") return;
  // what conmon calls when a container has ended would make the directory anew
  await eventually("podman to clean up", async () => !(await commandLines()).includes(`${directory}/`));
  // podman leaves /dev/shm of a container mounted that is removed while it is checkpointed
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts.filter((path) => path.startsWith(`${directory}/`))) await succeed(["umount", mount]);
  await succeed(["rm", "-rf", directory]);
});

/** Those of all processes. */
function commandLines(): Promise<string> {
  return succeed(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null || true"]);
}

const LOG = ["--log-driver", "k8s-file"];

async function counted(engine: Engine, name: string): Promise<number[]> {
  return (await engine.must(["logs", name])).split("\n").filter((line) => line !== "").map(Number);
}

/** Waits until the container counts on. @returns whether no number is missing or there twice */
async function goesOn(engine: Engine, name: string): Promise<boolean> {
  const { length } = await counted(engine, name);
  await eventually("more numbers", async () => (await counted(engine, name)).length > length);
  const numbers = await counted(engine, name);
  return numbers.every((number, i) => number === numbers[0]! + i);
}

async function counting(engine: Engine, flags: readonly string[] = []): Promise<string> {
  const name = await engine.detached([...LOG, ...flags], ["sh", "-c", COUNTING]);
  await eventually("numbers", async () => (await counted(engine, name)).length > 1);
  return name;
}

function checkpoint(engine: Engine, ...args: readonly string[]) {
  return engine.must(["container", "checkpoint", ...args]);
}

function restore(engine: Engine, ...args: readonly string[]) {
  return engine.must(["container", "restore", ...args]);
}

function status(engine: Engine, name: string): Promise<string> {
  return engine.inspect(name, "{{.State.Status}} {{.State.Checkpointed}} {{.State.Restored}}");
}

const CONNECTED = `busybox nc -l -p 7000 -e cat & ${LISTENING}; (echo hello; sleep 1000) | ` +
  "busybox nc 127.0.0.1 7000 >/root/echo & wait";

async function connected(engine: Engine): Promise<string> {
  const name = await engine.detached(LOG, ["sh", "-c", `trap 'exit 0' TERM; ${CONNECTED}`]);
  await eventually("the echo", async () => (await engine.exec(name, "cat /root/echo")).stdout === "hello\n");
  return name;
}

const SCENARIOS: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  "checkpoint and restore, twice": async (engine) => {
    const name = await counting(engine);
    const seen = [];
    for (let round = 0; round < 2; round++) {
      await checkpoint(engine, name);
      seen.push(await status(engine, name));
      await restore(engine, name);
      seen.push(
        await status(engine, name),
        await goesOn(engine, name),
        await engine.exec(name, "readlink /proc/1/exe"),
      );
    }
    return seen;
  },
  "checkpoint --leave-running": async (engine) => {
    const name = await counting(engine);
    await checkpoint(engine, "--leave-running", name);
    return [await status(engine, name), await goesOn(engine, name)];
  },
  "checkpoint --export and restore --import under another name": async (engine) => {
    const name = await counting(engine), other = engine.name(), file = `${directory}/exported.tar`;
    await engine.exec(name, "echo kept > /root/made; rm /etc/group");
    await checkpoint(engine, "--export", file, name);
    await restore(engine, "--import", file, "--name", other);
    const script = "cat /root/made; test -e /etc/group || echo gone";
    return [await status(engine, other), await goesOn(engine, other), await engine.exec(other, script)];
  },
  "checkpoint --keep leaves the same files": async (engine) => {
    const name = await counting(engine, ["--read-only"]);
    await checkpoint(engine, "--keep", name);
    const userdata = (await engine.inspect(name, "{{.ConmonPidFile}}")).replace(
      /\/run\/(.*)\/conmon\.pid$/,
      "/root/$1",
    );
    const images = await succeed(["ls", `${userdata}/checkpoint`]);
    // with the ids of processes and devices in their names, which differ from one run to the next
    return [...new Set(images.split("\n").map((image) => image.replace(/-\d+\./, ".")))];
  },
  "checkpoint and restore --print-stats": async (engine) => {
    const name = await counting(engine);
    const keys = (text: string) => Object.keys(JSON.parse(text).container_statistics[0].criu_statistics).sort();
    const dumped = keys(await checkpoint(engine, "--print-stats", name));
    return [dumped, keys(await restore(engine, "--print-stats", name))];
  },
  "checkpoint of a connection needs --tcp-established": async (engine) => {
    const name = await connected(engine);
    const { code } = await engine.call(["container", "checkpoint", name]);
    const refused = [code, await status(engine, name)];
    await checkpoint(engine, "--tcp-established", name);
    return [...refused, await status(engine, name)];
  },
  "checkpoint and restore of a terminal": async (engine) => {
    const name = await engine.detached([...LOG, "-t"], ["sh", "-c", COUNTING]);
    await checkpoint(engine, name);
    await restore(engine, name);
    return [
      await status(engine, name),
      (await engine.exec(name, "readlink /proc/1/fd/1")).stdout,
      await goesOn(engine, name),
    ];
  },
  "checkpoint of what is not running": async (engine) => {
    const name = await engine.detached(LOG, ["true"]);
    await engine.call(["wait", name]);
    const { code } = await engine.call(["container", "checkpoint", name]);
    return [code, (await engine.call(["container", "restore", name])).code, await status(engine, name)];
  },
};

for (const [name, scenario] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `podman: ${name}${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await compare(scenario, { runc: podman(directory, RUNC, before), runo: podman(directory, RUNO, before) });
      await command(["rm", "-f", `${directory}/exported.tar`]);
    },
  });
}

// runc 1.1 leaves the loopback device down, and CRIU cannot connect: "Network is unreachable"
Deno.test({
  name: `podman: restore --tcp-established with runo${reason}`,
  ignore: reason !== "",
  fn: async () => {
    const engine = podman(directory, RUNO, before);
    try {
      const name = await connected(engine);
      await checkpoint(engine, "--tcp-established", name);
      await restore(engine, "--tcp-established", name);
      const { stdout } = await engine.exec(name, "busybox netstat -tn | grep -c ESTABLISHED");
      assertEquals([await status(engine, name), stdout], ["running false true", "2\n"]);
    } finally {
      await engine.clean();
    }
  },
});
