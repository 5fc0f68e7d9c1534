import { assertEquals, assertThrows } from "@std/assert";
import { availableControllers, enableControllers, ensureEnterable } from "../../../../../core/cgroup/v2/enable.ts";
import { RunoError } from "../../../../../core/error.ts";
import { withTree } from "../tree.ts";

const HIERARCHY = {
  "cgroup.controllers": "cpu memory pids\n",
  "cgroup.subtree_control": "pids\n",
  "a/cgroup.controllers": "pids\n",
  "a/cgroup.subtree_control": "",
  "a/b/cgroup.controllers": "",
  "a/b/cgroup.subtree_control": "",
};

Deno.test("enableControllers() enables what is missing in every cgroup above, but not in the cgroup itself", () => {
  withTree(HIERARCHY, ({ path, read }) => {
    enableControllers(`${path}/a/b`);
    assertEquals(read("cgroup.subtree_control"), "+cpu +memory");
    assertEquals(read("a/cgroup.subtree_control"), "+cpu +memory +pids");
    assertEquals(read("a/b/cgroup.subtree_control"), "");
  });
});

Deno.test("enableControllers() enables no others than it is told", () => {
  withTree(HIERARCHY, ({ path, read }) => {
    enableControllers(`${path}/a/b`, ["pids"]);
    assertEquals([read("cgroup.subtree_control"), read("a/cgroup.subtree_control")], ["pids\n", "+pids"]);
  });
});

Deno.test("availableControllers() asks the root of the hierarchy, whether the cgroup is there or not", () => {
  withTree(HIERARCHY, ({ path }) => {
    assertEquals(availableControllers(`${path}/a/b/not/yet`), ["cpu", "memory", "pids"]);
  });
});

Deno.test("ensureEnterable() makes an invalid cgroup threaded unless its limits forbid that", () => {
  withTree({ "cgroup.type": "domain invalid\n" }, ({ path, read }) => {
    assertThrows(
      () => ensureEnterable(path, ["cpu", "memory"]),
      RunoError,
      "with domain controllers -- it is in an invalid state",
    );
    ensureEnterable(path, ["cpu"]);
    assertEquals(read("cgroup.type"), "threaded");
    assertThrows(() => ensureEnterable(path, ["io"]), RunoError, "it is in threaded mode");
  });
  withTree({ "cgroup.type": "domain\n" }, ({ path, read }) => {
    ensureEnterable(path, ["memory"]);
    assertEquals(read("cgroup.type"), "domain\n");
  });
});
