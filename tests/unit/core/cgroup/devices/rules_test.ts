import { assertEquals, assertThrows } from "@std/assert";
import { deviceChanges, deviceList, parseDevicesList, sameList } from "../../../../../core/cgroup/devices/rules.ts";
import { RunoError } from "../../../../../core/error.ts";
import type { DeviceRule } from "../../../../../core/spec/types.ts";

const DENY: DeviceRule = { allow: false, access: "rwm" };
const ALLOW: DeviceRule = { allow: true, access: "rwm" };

function rule(allow: boolean, text: string): DeviceRule {
  const [type, numbers = "", access = ""] = text.split(" ");
  const [major = -1, minor = -1] = numbers.split(":").map((part) => part === "*" ? -1 : Number(part));
  return { allow, type: type as "b" | "c", major, minor, access };
}

const allow = (text: string) => rule(true, text), deny = (text: string) => rule(false, text);

function lines(rules: readonly DeviceRule[]): string[] {
  const { allowed, exceptions } = deviceList(rules);
  return [allowed ? "but" : "only", ...[...exceptions].map(([key, access]) => `${key} ${access}`)];
}

Deno.test("deviceList() allows nothing until it is told", () => {
  assertEquals(lines([]), ["only"]);
  assertEquals(lines([allow("c 1:3 rw")]), ["only", "c 1:3 rw"]);
});

Deno.test("deviceList() starts anew at a rule for all devices", () => {
  assertEquals(lines([allow("c 1:3 rwm"), DENY, allow("b *:* m")]), ["only", "b *:* m"]);
  assertEquals(lines([DENY, allow("c 1:3 rwm"), ALLOW, deny("b 8:* w")]), ["but", "b 8:* w"]);
});

Deno.test("deviceList() adds and takes away letters of one device", () => {
  assertEquals(lines([DENY, allow("c 1:3 r"), allow("c 1:3 m")]), ["only", "c 1:3 rm"]);
  assertEquals(lines([DENY, allow("c 1:3 rwm"), deny("c 1:3 w")]), ["only", "c 1:3 rm"]);
  assertEquals(lines([DENY, allow("c 1:3 rw"), deny("c 1:3 rwm")]), ["only"]);
  assertEquals(lines([DENY, deny("c 1:9 rwm")]), ["only"]);
});

Deno.test("deviceList() refuses a hole in a wider rule, which v1 would not make", () => {
  const error = assertThrows(() => deviceList([DENY, allow("c 1:* rw"), deny("c 1:3 w")]), RunoError);
  assertEquals(error.kind, "invalid");
  assertEquals(error.phrase, 'device rule "c 1:3 w" makes a hole in "c 1:* rw"');
  // no letter in common: no hole
  assertEquals(lines([DENY, allow("c 1:* m"), deny("c 1:3 w")]), ["only", "c 1:* m"]);
  assertThrows(() => deviceList([ALLOW, deny("b *:* rwm"), allow("b 8:0 r")]), RunoError);
});

Deno.test("deviceChanges() leaves alone what stays", () => {
  const changes = (from: readonly DeviceRule[], to: readonly DeviceRule[]) =>
    deviceChanges(deviceList(from), deviceList(to)).map((change) =>
      `${change.allow ? "allow" : "deny"} ${change.line}`
    );
  assertEquals(changes([allow("c 1:3 rwm"), allow("c 1:5 rw")], [allow("c 1:3 rwm"), allow("c 1:5 rm")]), [
    "deny c 1:5 w",
    "allow c 1:5 m",
  ]);
  assertEquals(changes([ALLOW], [allow("c 5:1 r"), allow("c *:* m"), allow("b *:* m")]), [
    "deny a",
    "allow b *:* m",
    "allow c *:* m",
    "allow c 5:1 r",
  ]);
  assertEquals(changes([allow("c 5:1 r")], [ALLOW, deny("b 8:0 w")]), ["allow a", "deny b 8:0 w"]);
});

Deno.test("parseDevicesList() reads what the kernel shows", () => {
  const list = parseDevicesList("c 1:3 rwm\nb *:* m\n");
  assertEquals(sameList(list, deviceList([allow("b *:* m"), allow("c 1:3 rwm")])), true);
  assertEquals(sameList(list, deviceList([allow("b *:* m")])), false);
  // where all is allowed the kernel does not show what is not
  assertEquals(sameList(parseDevicesList("a *:* rwm\n"), deviceList([ALLOW, deny("b 8:0 w")])), true);
});
