import { assertEquals } from "@std/assert";
import { errnoOf } from "../../../core/error.ts";

Deno.test("errnoOf() knows a process that ended while its file was read", async () => {
  const child = new Deno.Command("true").spawn();
  using file = Deno.openSync(`/proc/${child.pid}/stat`);
  await child.status;
  let caught: unknown;
  try {
    file.readSync(new Uint8Array(10));
  } catch (error) {
    caught = error;
  }
  assertEquals(errnoOf(caught), "ESRCH");
});
