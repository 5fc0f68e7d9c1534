import { assertEquals } from "@std/assert";
import { CONSTANTS } from "../../../../core/program/constants.ts";
import { namedConstants } from "../../../../scripts/gen/constants.ts";

Deno.test("CONSTANTS has what ffi/abi.ts has", () => {
  assertEquals(CONSTANTS, namedConstants());
});
