/**
 * Which devices a cgroup allows: the semantics of the devices controller of v1, which the filter of v2 follows, so that
 * one config means the same on both. Kernel: admin-guide/cgroup-v1/devices.rst, security/device_cgroup.c
 */

import { RunoError } from "../../error.ts";
import type { DeviceRule } from "../../spec/types.ts";

/** A list of devices by "c 1:3" or "b 8:*", each with letters of "rwm". */
export interface DeviceList {
  /** What holds for every device that is not in the list: whether the list says what is denied or what is allowed. */
  readonly allowed: boolean;
  readonly exceptions: ReadonlyMap<string, string>;
}

/** Nothing is allowed. */
export const DENY_ALL: DeviceList = { allowed: false, exceptions: new Map() };

/**
 * What the rules add up to, from a cgroup that allows nothing.
 * @throws {RunoError} `invalid` when a rule would make a hole in another that v1 cannot make
 */
export function deviceList(rules: readonly DeviceRule[]): DeviceList {
  return rules.reduce(applyRule, DENY_ALL);
}

/** A rule for every device replaces all that were before. */
function applyRule(list: DeviceList, rule: DeviceRule): DeviceList {
  const { allow, type = "a" } = rule, access = intersection(rule.access ?? "", "rwm");
  if (type === "a") return { allowed: allow, exceptions: new Map() };
  const key = ruleKey(type, rule.major ?? -1, rule.minor ?? -1);
  return allow === list.allowed ? without(list, key, access) : extended(list, key, access);
}

function ruleKey(type: string, major: number, minor: number): string {
  const number = (value: number) => value < 0 ? "*" : String(value);
  return `${type} ${number(major)}:${number(minor)}`;
}

function extended({ allowed, exceptions }: DeviceList, key: string, access: string): DeviceList {
  return { allowed, exceptions: new Map(exceptions).set(key, union(exceptions.get(key) ?? "", access)) };
}

function without({ allowed, exceptions }: DeviceList, key: string, access: string): DeviceList {
  checkNoHole(exceptions, key, access);
  const rest = difference(exceptions.get(key) ?? "", access);
  const changed = new Map(exceptions);
  if (rest === "") changed.delete(key);
  else changed.set(key, rest);
  return { allowed, exceptions: changed };
}

/** The kernel would take such a rule and do nothing: whoever wrote it would believe in a protection that is not there. */
function checkNoHole(exceptions: DeviceList["exceptions"], key: string, access: string): void {
  const [type = "", numbers = ""] = key.split(" ");
  const [major = "", minor = ""] = numbers.split(":");
  for (const wider of [`${type} *:${minor}`, `${type} ${major}:*`, `${type} *:*`]) {
    const found = exceptions.get(wider);
    if (wider === key || found === undefined || intersection(found, access) === "") continue;
    throw new RunoError(`device rule "${key} ${access}" makes a hole in "${wider} ${found}"`, {
      kind: "invalid",
      hint: "cgroups cannot do that: name the devices one by one, or put the wider rule last",
    });
  }
}

const LETTERS = ["r", "w", "m"] as const;

function union(a: string, b: string): string {
  return LETTERS.filter((letter) => a.includes(letter) || b.includes(letter)).join("");
}

function difference(a: string, b: string): string {
  return LETTERS.filter((letter) => a.includes(letter) && !b.includes(letter)).join("");
}

function intersection(a: string, b: string): string {
  return LETTERS.filter((letter) => a.includes(letter) && b.includes(letter)).join("");
}

/** One write to devices.allow or devices.deny. */
export interface DeviceChange {
  readonly allow: boolean;
  /** "c 1:3 rwm", "a" for every device. */
  readonly line: string;
}

/** The fewest writes that lead from one list to another. Nothing that both allow is denied in between. */
export function deviceChanges(from: DeviceList, to: DeviceList): DeviceChange[] {
  // devices.list does not show what is denied where the rest is allowed: such a list has to be started anew
  const anew = from.allowed || from.allowed !== to.allowed;
  const old: DeviceList["exceptions"] = anew ? new Map() : from.exceptions;
  return [
    ...anew ? [{ allow: to.allowed, line: "a" }] : [],
    ...changed(old, to.exceptions).map((line) => ({ allow: to.allowed, line })),
    ...changed(to.exceptions, old).map((line) => ({ allow: !to.allowed, line })),
  ];
}

/** What the first list has and the second has not. */
function changed(first: DeviceList["exceptions"], second: DeviceList["exceptions"]): string[] {
  return sorted(first).flatMap(([key, access]) => {
    const more = difference(access, second.get(key) ?? "");
    return more === "" ? [] : [`${key} ${more}`];
  });
}

/** By numbers, "*" first: always the same order for the same rules. */
export function sorted(exceptions: DeviceList["exceptions"]): (readonly [key: string, access: string])[] {
  const numbers = (key: string) => key.slice(2).split(":").map((part) => part === "*" ? -1 : Number(part));
  return [...exceptions].toSorted(([a], [b]) => {
    const [majorA = 0, minorA = 0] = numbers(a), [majorB = 0, minorB = 0] = numbers(b);
    return majorA - majorB || minorA - minorB || (a < b ? -1 : 1);
  });
}

/** What devices.list of v1 shows. Where everything is allowed but some, it shows "a *:* rwm" and nothing of the rest. */
export function parseDevicesList(text: string): DeviceList {
  let list = DENY_ALL;
  for (const line of text.split("\n").filter((entry) => entry !== "")) {
    const [type, numbers, access = ""] = line.split(" ");
    list = type === "a" ? { allowed: true, exceptions: new Map() } : extended(list, `${type} ${numbers}`, access);
  }
  return list;
}

/** Whether two lists are the same, as far as devices.list can tell. */
export function sameList(a: DeviceList, b: DeviceList): boolean {
  if (a.allowed || b.allowed) return a.allowed === b.allowed;
  return deviceChanges(a, b).length === 0;
}
