/** That the machine is what the other tests take it for. */

import { assertEquals } from "@std/assert";

Deno.test("the machine has a pure cgroup v2 with all controllers", () => {
  const controllers = Deno.readTextFileSync("/sys/fs/cgroup/cgroup.controllers").trim().split(" ");
  assertEquals(controllers, ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"]);
});
