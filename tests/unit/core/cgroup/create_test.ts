import { assertEquals } from "@std/assert";
import { commonAncestor } from "../../../../core/cgroup/create.ts";
import { inheritCpuset } from "../../../../core/cgroup/v1/cpuset.ts";
import { pageSizeName } from "../../../../core/cgroup/hugetlb.ts";
import { memoryReport, oomKills } from "../../../../core/cgroup/oom.ts";
import { withTree } from "./tree.ts";

Deno.test("commonAncestor() is the deepest directory that both lie in", () => {
  assertEquals(commonAncestor("/sys/fs/cgroup/user/a", "/sys/fs/cgroup/user/b"), "/sys/fs/cgroup/user");
  assertEquals(commonAncestor("/sys/fs/cgroup/user", "/sys/fs/cgroup/user"), "/sys/fs/cgroup/user");
  assertEquals(commonAncestor("/sys/fs/cgroup/ab", "/sys/fs/cgroup/a"), "/sys/fs/cgroup");
});

Deno.test("inheritCpuset() fills what is empty, from the top", () => {
  const files = {
    "cpuset.cpus": "0-3\n",
    "cpuset.mems": "0\n",
    "a/cpuset.cpus": "\n",
    "a/cpuset.mems": "\n",
    "a/b/cpuset.cpus": "2\n",
    "a/b/cpuset.mems": "\n",
  };
  withTree(files, ({ path, read }) => {
    inheritCpuset(`${path}/a/b`);
    assertEquals([read("a/b/cpuset.cpus"), read("a/b/cpuset.mems"), read("a/cpuset.mems")], ["2\n", "0", "0"]);
  });
});

Deno.test("pageSizeName() is the kernel's name of a size", () => {
  const names = ["hugepages-2048kB", "hugepages-1048576kB", "hugepages-64kB", "other"];
  assertEquals(names.map(pageSizeName), ["2MB", "1GB", "64KB", undefined]);
});

Deno.test("oomKills() and memoryReport() read v1 and v2", () => {
  const files = {
    "m/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "m/memory.limit_in_bytes": "4096\n",
    "m/memory.max_usage_in_bytes": "4000\n",
    "u/memory.events": "oom 3\noom_kill 1\n",
    "u/memory.max": "8192\n",
  };
  withTree(files, ({ path }) => {
    const v1 = { paths: { memory: `${path}/m`, "": `${path}/u` } }, v2 = { paths: { "": `${path}/u` } };
    assertEquals([oomKills(v1), oomKills(v2), oomKills({ paths: {} })], [2, 1, 0]);
    assertEquals([memoryReport(v1), memoryReport(v2)], ["limit 4096 bytes, peak 4000", "limit 8192 bytes"]);
  });
});
