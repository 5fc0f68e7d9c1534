import { assertEquals, assertStringIncludes } from "@std/assert";

import { namespaces, rootTest, sandbox } from "./harness.ts";

rootTest("run() sets hostname and domainname", async () => {
  await using box = sandbox({ hostname: "some.host", domainname: "example.org" });
  const printed = await box.shell("hostname; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname");
  assertEquals(printed, "some.host\nsome.host\nexample.org\n");
  assertEquals(Deno.hostname() === "some.host", false);
});

rootTest("run() refuses hostname and domainname without a uts namespace", async () => {
  await using box = sandbox({ "linux.namespaces": namespaces("pid", "mount", "ipc", "network") });
  assertStringIncludes(await box.refused({ hostname: "x" }), "/hostname");
  assertStringIncludes(await box.refused({ hostname: undefined, domainname: "x" }), "/domainname");
});

rootTest("run() refuses a hostname that the kernel does not take", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ hostname: "x".repeat(65) }), "/hostname");
});

rootTest("run() sets sysctls of the namespaces, with both separators", async () => {
  await using box = sandbox();
  const sysctl = {
    "kernel.shmmni": "4097",
    "kernel/msgmax": "8193",
    "fs.mqueue.msg_max": "17",
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.lo.arp_ignore": "1",
    "net/ipv4/conf/lo/arp_announce": "2",
    "kernel.domainname": "by.sysctl",
  };
  const files = [
    "kernel/shmmni",
    "kernel/msgmax",
    "fs/mqueue/msg_max",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/lo/arp_ignore",
    "net/ipv4/conf/lo/arp_announce",
    "kernel/domainname",
  ];
  const printed = await box.shell(`cd /proc/sys; cat ${files.join(" ")}`, { "linux.sysctl": sysctl });
  assertEquals(printed, "4097\n8193\n17\n1\n1\n2\nby.sysctl\n");
});

rootTest("run() refuses sysctls of the host", async () => {
  await using box = sandbox();
  const refused = (key: string, changes = {}) => box.refused({ "linux.sysctl": { [key]: "1" }, ...changes });
  assertStringIncludes(await refused("vm.swappiness"), "vm.swappiness");
  assertStringIncludes(await refused("kernel.hostname"), "kernel.hostname");
  const hostNetwork = { "linux.namespaces": namespaces("pid", "mount", "ipc", "uts") };
  assertStringIncludes(await refused("net.ipv4.ip_forward", hostNetwork), "net.ipv4.ip_forward");
  const path = [...namespaces("pid", "mount", "ipc", "uts"), { type: "network", path: "/proc/self/ns/net" }];
  assertStringIncludes(await refused("net.ipv4.ip_forward", { "linux.namespaces": path }), "net.ipv4.ip_forward");
  const hostIpc = { "linux.namespaces": namespaces("pid", "mount", "network", "uts") };
  assertStringIncludes(await refused("kernel.shmmni", hostIpc), "kernel.shmmni");
});

rootTest("run() names the sysctl that the kernel does not know or take", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "linux.sysctl": { "net.no.such": "1" } }), 'sysctl "net.no.such"');
  assertStringIncludes(await box.refused({ "linux.sysctl": { "net.ipv4.ip_forward": "many" } }), "net.ipv4.ip_forward");
});
