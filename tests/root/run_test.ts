import { assertEquals } from "@std/assert";
import { rootTest, sandbox } from "./harness.ts";

rootTest("run() exits as the program does", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "echo out; echo err >&2; exit 3"] });
  assertEquals(await box.run(), { code: 3, stdout: "out\n", stderr: "err\n" });
});
