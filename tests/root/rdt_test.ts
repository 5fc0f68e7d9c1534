/** Intel RDT where there is none: the machines of these tests have no such hardware. */

import { assertEquals, assertMatch } from "@std/assert";
import { exists, rootTest, sandbox } from "./harness.ts";

const HAS_RDT = exists("/sys/fs/resctrl/schemata") && "this machine has resctrl";

rootTest("create() refuses Intel RDT that is not there, and leaves nothing", async () => {
  await using box = sandbox();
  const message = await box.refused({ "linux.intelRdt": { l3CacheSchema: "L3:0=f" } });
  assertMatch(message, /intelRdt is specified in config, but Intel RDT is not supported or enabled/);
  assertEquals(box.leftovers(), []);
}, HAS_RDT);

rootTest("update() refuses schemata that nobody would look at, and changes nothing", async () => {
  await using box = sandbox();
  await box.sleeping({ "linux.resources.pids": { limit: 50 } });
  const update = (...flags: string[]) => box.fails(["update", ...flags, box.id]);
  assertEquals(await update("--l3-cache-schema", "L3:0=f"), "Intel RDT/CAT: l3 cache schema is not enabled");
  assertEquals(
    await update("--pids-limit", "60", "--mem-bw-schema", "MB:0=10"),
    "Intel RDT/MBA: memory bandwidth schema is not enabled",
  );
  assertEquals(box.stateFile().config.cgroups.pids_limit, 50);
}, HAS_RDT);

rootTest("events() has nothing to say of Intel RDT", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertEquals(JSON.parse(await box.ok("events", "--stats", box.id)).data.intel_rdt, {});
});
