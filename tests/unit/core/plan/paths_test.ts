import { assertEquals } from "@std/assert";

import { components, inRoot } from "../../../../core/plan/paths.ts";

Deno.test("components() resolves dots without leaving the root", () => {
  assertEquals(components("/a/./b//c/"), ["a", "b", "c"]);
  assertEquals(components("/a/../b"), ["b"]);
  assertEquals(components("/../../etc/passwd"), ["etc", "passwd"]);
  assertEquals([components("/"), components(""), components("..")], [[], [], []]);
  assertEquals(components("/...//..a"), ["...", "..a"]);
});

Deno.test("inRoot() is relative to the root, and names the root itself by a dot", () => {
  assertEquals([inRoot("/proc/sys/"), inRoot("proc"), inRoot("/"), inRoot("/a/..")], ["proc/sys", "proc", ".", "."]);
});
