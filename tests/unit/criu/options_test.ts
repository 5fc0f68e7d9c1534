import { assertEquals, assertThrows } from "@std/assert";

import { RunoError } from "../../../core/error.ts";
import { parseCgroupsMode, parseEmptyNs, parsePageServer, parseStatusFd } from "../../../criu/options.ts";
import { configFile } from "../../../criu/request.ts";
import { cgroupRoots } from "../../../criu/restore_request.ts";

Deno.test("parsePageServer() takes names, IPv4 and IPv6 addresses", () => {
  assertEquals(parsePageServer("127.0.0.1:27"), { address: "127.0.0.1", port: 27 });
  assertEquals(parsePageServer("[fe80::1]:65535"), { address: "fe80::1", port: 65535 });
  assertEquals(parsePageServer("host.example:1"), { address: "host.example", port: 1 });
});

Deno.test("parsePageServer() refuses with runc's words", () => {
  const form = "Use --page-server ADDRESS:PORT to specify page server";
  for (const text of ["host", ":80", "host:", "fe80::1:80", "[]:80"]) {
    assertThrows(() => parsePageServer(text), RunoError, form);
  }
  for (const text of ["host:x", "host:0", "host:65536", "host:1.5"]) {
    assertThrows(() => parsePageServer(text), RunoError, "Invalid port number");
  }
});

Deno.test("parseCgroupsMode() takes runc's modes", () => {
  assertEquals(["", "soft", "full", "strict", "ignore"].map(parseCgroupsMode), [
    "default",
    "soft",
    "full",
    "strict",
    "ignore",
  ]);
  for (const text of ["none", "default", "toString"]) {
    assertThrows(() => parseCgroupsMode(text), RunoError, "invalid manage-cgroups-mode value");
  }
});

Deno.test("parseEmptyNs() takes network alone, which is empty in any case", () => {
  assertEquals([[], ["network"], ["network", "network"]].map(parseEmptyNs), [0x40000000, 0x40000000, 0x40000000]);
  assertThrows(() => parseEmptyNs(["network", "x"]), RunoError, 'namespace "x" is not supported');
});

Deno.test("parseStatusFd() takes digits for a descriptor and anything else for a path", () => {
  assertEquals(["3", "/tmp/pipe", "3a", "./4"].map(parseStatusFd), [3, "/tmp/pipe", "3a", "./4"]);
});

Deno.test("configFile() is runc's unless the annotation says otherwise", () => {
  assertEquals(configFile({}), "/etc/criu/runc.conf");
  assertEquals(configFile({ "org.criu.config": "" }), undefined);
  assertEquals(configFile({ "org.criu.config": "/tmp/f" }), "/tmp/f");
});

Deno.test("cgroupRoots() has an entry for each controller", () => {
  const text = "12:cpu,cpuacct:/a\n3:name=systemd:/b:c\n1::/\n0::/d\n";
  assertEquals(cgroupRoots(text), [
    { ctrl: "cpu", path: "/a" },
    { ctrl: "cpuacct", path: "/a" },
    { ctrl: "name=systemd", path: "/b:c" },
    { ctrl: "", path: "/" },
    { ctrl: "", path: "/d" },
  ]);
});
