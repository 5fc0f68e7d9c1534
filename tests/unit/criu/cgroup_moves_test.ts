import { assertEquals } from "@std/assert";

import { SelfMover } from "../../../criu/cgroup_moves.ts";

Deno.test("SelfMover leaves the process where it is", () => {
  const before = Deno.readTextFileSync("/proc/self/cgroup");
  using mover = new SelfMover();
  for (let i = 0; i < 3; i++) mover.move();
  assertEquals(Deno.readTextFileSync("/proc/self/cgroup"), before);
});
