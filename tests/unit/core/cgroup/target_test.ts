import { assertEquals, assertThrows } from "@std/assert";
import { type Undo, undoAll, writeLimit } from "../../../../core/cgroup/target.ts";
import { RunoError } from "../../../../core/error.ts";
import { withTree } from "./tree.ts";

Deno.test("writeLimit() can be taken back, the last write first", () => {
  withTree({ "a": "1\n", "devices": "8:0 5\n8:16 6\n" }, ({ path, read }) => {
    const undo: Undo[] = [], target = { path, undo };
    writeLimit(target, "a", "2");
    writeLimit(target, "a", "3");
    writeLimit(target, "devices", "8:0 7", { restore: (content) => [content.split("\n")[0]!] });
    assertEquals([read("a"), read("devices")], ["3", "8:0 7"]);
    undoAll(undo);
    assertEquals([read("a"), read("devices")], ["1", "8:0 5"]);
    assertEquals(undo.length, 0);
  });
});

Deno.test("writeLimit() takes an empty file back by an empty line", () => {
  withTree({ "cpuset.cpus": "" }, ({ path, read }) => {
    const undo: Undo[] = [];
    writeLimit({ path, undo }, "cpuset.cpus", "0-1");
    undoAll(undo);
    assertEquals(read("cpuset.cpus"), "\n");
  });
});

Deno.test("writeLimit() names file, value, errno and what may be done", () => {
  withTree({}, ({ path }) => {
    const write = () => writeLimit({ path, undo: undefined }, "x.max", "5", { hints: { ENOENT: "there is no x" } });
    const error = assertThrows(write, RunoError);
    assertEquals(error.message, `writing "5" to "${path}/x.max": openat: ENOENT (there is no x)`);
  });
});
