/** The devices controller of cgroup v1. */

import { RunoError } from "../../error.ts";
import type { DeviceRule } from "../../spec/types.ts";
import { readFile, type Target, writeLimit } from "../target.ts";
import { deviceChanges, deviceList, parseDevicesList, sameList } from "./rules.ts";

const HINTS = { EPERM: "the parent cgroup does not allow the device, or the caller is in a user namespace" };

/** Makes the cgroup allow what the rules allow, with no more writes than that takes. @throws {RunoError} */
export function setDevicesV1(target: Target, rules: readonly DeviceRule[]): void {
  const wanted = deviceList(rules);
  const current = parseDevicesList(readFile(target, "devices.list"));
  for (const { allow, line } of deviceChanges(current, wanted)) {
    writeLimit(target, allow ? "devices.allow" : "devices.deny", line, { hints: HINTS });
  }
  // the kernel drops some rules without a word: a container must not have devices that it was to be kept from
  if (!sameList(parseDevicesList(readFile(target, "devices.list")), wanted)) {
    throw new RunoError(`setting the devices of "${target.path}": the kernel allows others than it was told`);
  }
}
