import { assertEquals } from "@std/assert";
import { deviceProperties } from "../../../../../core/cgroup/systemd/devices.ts";

const PROC_DEVICES = "Character devices:\n  1 mem\n  4 tty\n  4 ttyS\n  5 ttyS\n136 pts\n\nBlock devices:\n  8 sd\n";
const DENY = { allow: false, access: "rwm" } as const;
const NONE = [["DevicePolicy", "s", "auto"], ["DeviceAllow", "a(ss)", []]];

Deno.test("deviceProperties() names what is allowed as systemd does", () => {
  const rules = [
    DENY,
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
    { allow: true, type: "c", major: 136, access: "rw" },
    { allow: true, type: "b", major: 8, access: "r" },
    { allow: true, type: "c", major: 10, access: "r" },
    { allow: true, type: "c", major: 5, access: "r" },
  ] as const;
  assertEquals(deviceProperties(rules, PROC_DEVICES), [
    ["DevicePolicy", "s", "strict"],
    ["DeviceAllow", "a(ss)", [
      ["block-*", "m"],
      ["char-*", "m"],
      ["/dev/char/1:3", "rwm"],
      // two drivers are called ttyS
      ["char-5", "r"],
      ["block-sd", "r"],
      ["char-10", "r"],
      ["char-pts", "rw"],
    ]],
  ]);
});

Deno.test("deviceProperties() leaves to the cgroup's own filter what systemd cannot say", () => {
  assertEquals(deviceProperties([{ allow: true, access: "rwm" }], PROC_DEVICES), NONE);
  assertEquals(
    deviceProperties(
      [{ allow: true, access: "rwm" }, { allow: false, type: "c", major: 1, minor: 3, access: "w" }],
      PROC_DEVICES,
    ),
    NONE,
  );
  assertEquals(deviceProperties([DENY, { allow: true, type: "c", minor: 3, access: "r" }], PROC_DEVICES), NONE);
});

Deno.test("deviceProperties() allows nothing where nothing is allowed", () => {
  assertEquals(deviceProperties([DENY], PROC_DEVICES), [["DevicePolicy", "s", "strict"], ["DeviceAllow", "a(ss)", []]]);
});
