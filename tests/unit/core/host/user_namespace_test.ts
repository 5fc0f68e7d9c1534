import { assertEquals } from "@std/assert";

import { parseMap } from "../../../../core/host/user_namespace.ts";

Deno.test("parseMap() reads the columns of the kernel", () => {
  const text = "         0     100000      65536\n     65536 4294901760          1\n";
  assertEquals(parseMap(text), [
    { containerID: 0, hostID: 100000, size: 65536 },
    { containerID: 65536, hostID: 4294901760, size: 1 },
  ]);
});

Deno.test("parseMap() finds no line in a map that has not been written", () => {
  assertEquals(parseMap(""), []);
});
