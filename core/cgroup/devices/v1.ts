/** The devices controller of cgroup v1. */

import { RunoError } from "../../error.ts";
import type { DeviceRule } from "../../spec/types.ts";
import { readValue, writeValues } from "../files.ts";
import { deviceChanges, deviceList, parseDevicesList, sameList } from "./rules.ts";

const HINTS = { EPERM: "the parent cgroup does not allow the device, or the caller is in a user namespace" };

/** Makes the cgroup allow what the rules allow, with no more writes than that takes. @throws {RunoError} */
export function setDevicesV1(path: string, rules: readonly DeviceRule[]): void {
  const wanted = deviceList(rules), list = `${path}/devices.list`;
  const changes = deviceChanges(parseDevicesList(readValue(list)), wanted);
  for (let at = 0; at < changes.length;) {
    const { allow } = changes[at]!;
    const next = changes.findIndex((change, i) => i > at && change.allow !== allow);
    const end = next < 0 ? changes.length : next;
    const lines = changes.slice(at, end).map(({ line }) => line);
    writeValues(`${path}/${allow ? "devices.allow" : "devices.deny"}`, lines, HINTS);
    at = end;
  }
  // the kernel drops some rules without a word: a container must not have devices that it was to be kept from
  if (!sameList(parseDevicesList(readValue(list)), wanted)) {
    throw new RunoError(`setting the devices of "${path}": the kernel allows others than it was told`);
  }
}
