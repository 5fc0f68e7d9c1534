/** Device rules as properties of a unit. systemd.resource-control(5), "DeviceAllow="; runc's docs/systemd.md */

import type { DeviceRule } from "../../spec/types.ts";
import { deviceList, sorted } from "../devices/rules.ts";
import type { Property } from "./properties.ts";

/** systemd filters nothing: the filter of the cgroup itself does. */
const NO_FILTER: readonly Property[] = [["DevicePolicy", "s", "auto"], ["DeviceAllow", "a(ss)", []]];

/**
 * The properties that allow what the rules allow. systemd knows lists of what is allowed, and no device by its minor
 * number alone: what it cannot say it is not told, for it would deny more than the rules do.
 * @param procDevices content of /proc/devices
 */
export function deviceProperties(rules: readonly DeviceRule[], procDevices: string): readonly Property[] {
  const { allowed, exceptions } = deviceList(rules);
  const entries = sorted(exceptions).map(([key, access]) => [specifier(key, procDevices), access] as const);
  if (allowed || entries.some(([name]) => name === undefined)) return NO_FILTER;
  return [["DevicePolicy", "s", "strict"], ["DeviceAllow", "a(ss)", entries.map(([name, access]) => [name!, access])]];
}

/** "c 1:3" is "/dev/char/1:3", "c 136:*" is "char-pts", "b *:*" is "block-*"; undefined for "c *:3". */
function specifier(key: string, procDevices: string): string | undefined {
  const [letter, numbers = ""] = key.split(" ");
  const [major = "", minor = ""] = numbers.split(":");
  const kind = letter === "b" ? "block" : "char";
  if (minor !== "*") return major === "*" ? undefined : `/dev/${kind}/${major}:${minor}`;
  // by its number systemd knows a driver since version 241
  return `${kind}-${major === "*" ? "*" : driverName(kind, major, procDevices) ?? major}`;
}

/** Sections "Character devices:" and "Block devices:" with lines of "MAJOR NAME"; a name that stands twice tells nothing. */
function driverName(kind: "block" | "char", major: string, procDevices: string): string | undefined {
  const [characters = "", blocks = ""] = procDevices.split("Block devices:");
  const lines = (kind === "block" ? blocks : characters).split("\n").map((line) => line.trim().split(" "));
  const name = lines.find(([number]) => number === major)?.[1];
  return lines.filter((line) => line[1] === name).length === 1 ? name : undefined;
}
