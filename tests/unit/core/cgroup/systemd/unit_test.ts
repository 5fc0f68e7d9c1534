import { assertEquals, assertThrows } from "@std/assert";
import { slicePath, unitOf, unitPath } from "../../../../../core/cgroup/systemd/unit.ts";
import { RunoError } from "../../../../../core/error.ts";

const DEFAULTS = { id: "c1", slice: "system.slice" };

Deno.test("unitOf() takes slice, prefix and name from the path", () => {
  assertEquals(unitOf("machine.slice:libpod:c2", DEFAULTS), {
    name: "libpod-c2.scope",
    slice: "machine.slice",
    container: "c2",
  });
});

Deno.test("unitOf() without a path names the scope as runc does", () => {
  const expected = { name: "runc-c1.scope", slice: "system.slice", container: "c1" };
  assertEquals(unitOf(undefined, DEFAULTS), expected);
  assertEquals(unitOf("", DEFAULTS), expected);
  assertEquals(unitOf(":runc:c1", { ...DEFAULTS, slice: "user.slice" }), { ...expected, slice: "user.slice" });
});

Deno.test("unitOf() takes a name that ends in .slice as it is", () => {
  assertEquals(unitOf("a.slice:x:b-c.slice", DEFAULTS).name, "b-c.slice");
});

Deno.test("unitOf() refuses what has not three parts", () => {
  for (const path of ["/a/b", "a:b", "a:b:c:d"]) {
    const error = assertThrows(() => unitOf(path, DEFAULTS), RunoError);
    assertEquals(
      error.phrase,
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${path}" instead`,
    );
  }
});

Deno.test("slicePath() is one directory for each dash", () => {
  assertEquals(slicePath("system.slice"), "/system.slice");
  assertEquals(slicePath("test-a-b.slice"), "/test.slice/test-a.slice/test-a-b.slice");
  assertEquals(slicePath("-.slice"), "");
});

Deno.test("slicePath() refuses names that are none", () => {
  for (const name of ["", ".slice", "a", "a.scope", "/a.slice", "a--b.slice", "-a.slice", "a-.slice", "a/b.slice"]) {
    const error = assertThrows(() => slicePath(name), RunoError);
    assertEquals(error.phrase, `invalid slice name: ${name}`);
  }
});

Deno.test("unitPath() is below the slice, and for a slice where its own name says", () => {
  assertEquals(unitPath({ name: "x-c.scope", slice: "a-b.slice", container: "c" }), "/a.slice/a-b.slice/x-c.scope");
  assertEquals(unitPath({ name: "a-b.slice", slice: "system.slice", container: "a-b.slice" }), "/a.slice/a-b.slice");
});
