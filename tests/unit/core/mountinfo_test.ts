import { assertEquals } from "@std/assert";

import { parseMountinfo } from "../../../core/mountinfo.ts";

Deno.test("parseMountinfo() reads lines with and without optional fields, and octal blanks", () => {
  const text = "22 28 0:21 / /sys rw,nosuid shared:7 master:2 - sysfs sysfs rw\n" +
    "30 22 0:26 /docker/x /sys/fs/cgroup/a\\040b ro - cgroup cgroup rw,cpu,cpuacct\n";
  assertEquals(parseMountinfo(text), [
    { root: "/", mountPoint: "/sys", readOnly: false, type: "sysfs", options: ["rw"] },
    {
      root: "/docker/x",
      mountPoint: "/sys/fs/cgroup/a b",
      readOnly: true,
      type: "cgroup",
      options: ["rw", "cpu", "cpuacct"],
    },
  ]);
  assertEquals(parseMountinfo(""), []);
});
