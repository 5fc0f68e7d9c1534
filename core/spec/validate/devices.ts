/** Rules of `linux.devices` and `linux.netDevices`, runtime-spec config-linux.md, "Devices" and "Network Devices". */

import { at, type Findings } from "../problem.ts";
import type { Device, Linux } from "../types.ts";
import { namespaceOf } from "./namespaces.ts";
import { cleanPath, isAbsolute, quote } from "./text.ts";

// dev_t of the kernel: 12 bits and 20 bits
const LIMITS = { major: 2 ** 12, minor: 2 ** 20 } as const;

// IFNAMSIZ less its final null byte
const MAX_INTERFACE_NAME = 15;

/** Every node to make. */
export function checkDevices(devices: readonly Device[], found: Findings): void {
  const seen = new Map<string, Device>();
  devices.forEach((device, index) => {
    const pointer = at("/linux/devices", index);
    if (!["c", "u", "b", "p"].includes(device.type)) {
      found.error(at(pointer, "type"), `invalid device type ${quote(device.type)}`);
    }
    if (!isAbsolute(device.path)) found.error(at(pointer, "path"), "must be an absolute path");
    checkNumbers(device, pointer, found);
    const path = cleanPath(device.path);
    const earlier = seen.get(path);
    if (earlier !== undefined && !sameNode(earlier, device)) {
      found.error(at(pointer, "path"), `${quote(path)} is already another device`);
    }
    seen.set(path, device);
  });
}

function checkNumbers(device: Device, pointer: string, found: Findings): void {
  if (device.type === "p") return;
  for (const part of ["major", "minor"] as const) {
    const number = device[part];
    if (number === undefined) {
      found.error(at(pointer, part), `must be set for a device of type ${quote(device.type)}`);
    } else if (number < 0 || number >= LIMITS[part]) {
      found.error(at(pointer, part), `must be from 0 to ${LIMITS[part] - 1}`);
    }
  }
}

function sameNode(a: Device, b: Device): boolean {
  const kind = (device: Device) => device.type === "u" ? "c" : device.type;
  return kind(a) === kind(b) && (a.type === "p" || (a.major === b.major && a.minor === b.minor));
}

/** Every interface to move. */
export function checkNetDevices(linux: Linux, found: Findings): void {
  const devices = Object.entries(linux.netDevices ?? {});
  if (devices.length > 0 && namespaceOf(linux, "network") === undefined) {
    found.error("/linux/netDevices", "unable to move network devices without a NET namespace");
  }
  const taken = new Set<string>();
  for (const [host, { name }] of devices) {
    const pointer = at("/linux/netDevices", host);
    if (!isInterfaceName(host)) found.error(pointer, `invalid network device name ${quote(host)}`);
    const inside = name || host;
    if (name && !isInterfaceName(name)) {
      found.error(at(pointer, "name"), `invalid network device name ${quote(name)}`);
    }
    // the kernel numbers the names of a template, so two may share one
    if (taken.has(inside) && !inside.includes("%d")) {
      found.error(at(pointer, "name"), `network device name ${quote(inside)} is used twice`);
    }
    taken.add(inside);
  }
}

/** What the kernel takes as the name of an interface, dev_valid_name() in net/core/dev.c. */
export function isInterfaceName(name: string): boolean {
  const length = new TextEncoder().encode(name).length;
  return length > 0 && length <= MAX_INTERFACE_NAME && name !== "." && name !== ".." && !/[/:\s]/.test(name);
}
