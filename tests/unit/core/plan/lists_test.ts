import { assertEquals } from "@std/assert";

import { cpuList } from "../../../../core/plan/lists.ts";

Deno.test("cpuList() counts out ranges", () => {
  assertEquals(cpuList("0-3,7"), [0, 1, 2, 3, 7]);
  assertEquals(cpuList("5"), [5]);
  assertEquals(cpuList(" 1 , 3-4\n"), [1, 3, 4]);
});

Deno.test("cpuList() has nothing of an empty list", () => {
  assertEquals([cpuList(""), cpuList(","), cpuList("\n")], [[], [], []]);
});
