import { assertEquals } from "@std/assert";
import { splitTypes } from "../../../ffi/libsystemd.ts";

Deno.test("splitTypes() cuts between complete types", () => {
  assertEquals(splitTypes("ssa(sv)a(sa(sv))"), ["s", "s", "a(sv)", "a(sa(sv))"]);
  assertEquals(splitTypes("aaia{s(iu)}v"), ["aai", "a{s(iu)}", "v"]);
  assertEquals(splitTypes(""), []);
});
