/** What V8 has compiled is found and taken, whatever the machine that runs it is like. */

import { assertEquals } from "@std/assert";

import { exists, rootTest, sandbox } from "./harness.ts";

rootTest("run() finds all that it evaluates compiled, in a file system that it shares with nobody", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "echo ready; exec sleep 100"] });
  const running = box.start(["run", "--bundle", box.bundle, box.id]);
  await box.reachesOutput(running, "ready");
  const fds = `/proc/${running.pid}/fd`;
  const home = Array.from(Deno.readDirSync(fds), ({ name }) => `${fds}/${name}`)
    .find((fd) => exists(`${fd}/v8_code_cache_v2`));
  // Deno would have written there what it had to compile
  assertEquals(Deno.statSync(`${home}/v8_code_cache_v2-wal`).size, 0);
  const { dev } = Deno.statSync(home!);
  const number = `${dev >> 8}:${dev & 255}`;
  assertEquals(Deno.readTextFileSync("/proc/self/mountinfo").includes(` ${number} `), false);
  await box.ok("kill", box.id, "KILL");
  assertEquals((await running.result).code, 137);
});
