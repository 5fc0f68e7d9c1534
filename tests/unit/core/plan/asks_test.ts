import { assertEquals } from "@std/assert";
import { ASK, askName } from "../../../../core/plan/asks.ts";

Deno.test("askName() finds each ask by its code", () => {
  for (const [name, code] of Object.entries(ASK)) assertEquals(askName(code), name);
});
