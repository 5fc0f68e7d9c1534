/** What CRIU is spared, because runo knows the host and the container better. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { type Sandbox, sandbox, succeeded } from "./harness.ts";
import { execute } from "./support/command.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  printsMore,
  restore,
  runo,
  skipsNetworkLock,
} from "./support/criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

/** The options that `checkpoint --debug` tells CRIU, by name. */
async function dumpOptions(box: Sandbox, ...flags: readonly string[]): Promise<Map<string, string>> {
  const [executable, ...globals] = runo(box);
  const images = ["--image-path", imagesOf(box), "--leave-running"];
  const { stderr } = await execute([executable!, "--debug", ...globals, "checkpoint", ...images, ...flags, box.id]);
  const options = stderr.matchAll(/CRIU option (\w+) with value ([^"]*)/g);
  return new Map([...options].map(([, name, value]) => [name!, value!]));
}

function statePaths(box: Sandbox): string[] {
  return [...Deno.readDirSync(box.stateDir)].map(({ name }) => name).sort();
}

criuTest("CRIU mounts no cgroup hierarchy, and of those that it is shown nothing is left", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const created = statePaths(box);
  const yard = (await dumpOptions(box)).get("CgroupYard");
  assertEquals(yard, `${box.stateDir}/criu-cgroups`);
  assertEquals(statePaths(box), ["checkpoint", ...created].sort());
  assertEquals(await checkpoint(box), WELL);
  assertEquals(await restore(box), WELL);
  const log = Deno.readTextFileSync(`${imagesOf(box)}/restore.log`);
  assertStringIncludes(log, `Opening ${yard} as cg yard`);
  assert(!log.includes("Making controller dir"), log);
  assertEquals(statePaths(box), created);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("CRIU locks no network that nobody outside can send to", async () => {
  const skip = skipsNetworkLock() ? "3" : undefined;
  await using box = sandbox({ "process.args": COUNTING });
  const allowing = `${box.dir}/criu.conf`;
  box.configure({ annotations: { "org.criu.config": allowing } });
  await counting(box);
  assertEquals((await dumpOptions(box)).get("NetworkLock"), skip);
  assertEquals(await checkpoint(box), WELL);
  assertEquals(await restore(box), WELL);
  assertMatch(Deno.readTextFileSync(`${imagesOf(box)}/restore.log`), /Unlock network/);
  await printsMore(box, 2);
  // the ends of a connection in it send to each other
  assertEquals((await dumpOptions(box, "--tcp-established")).get("NetworkLock"), undefined);
  Deno.writeTextFileSync(allowing, "tcp-established\n");
  assertEquals((await dumpOptions(box)).get("NetworkLock"), undefined);
  Deno.removeSync(allowing);
  await using other = sandbox({
    "process.args": COUNTING,
    annotations: { "org.criu.config": "criu.conf" },
  });
  await counting(other);
  assertEquals((await dumpOptions(other)).get("NetworkLock"), undefined);
  const pid = String(box.stateFile().init_process_pid);
  succeeded(await execute(["nsenter", "-t", pid, "-n", "ip", "link", "add", "net0", "type", "veth"]));
  assertEquals((await dumpOptions(box)).get("NetworkLock"), undefined);
});
