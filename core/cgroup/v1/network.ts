/** The net_cls and net_prio controllers of cgroup v1. Kernel: admin-guide/cgroup-v1/net_cls.rst, net_prio.rst */

import type { Resources } from "../../spec/types.ts";
import { type Target, writeLimit } from "../target.ts";
import { decimal, deviceLine } from "../text.ts";

export function isNetClsSet({ network = {} }: Resources): boolean {
  return (network.classID ?? 0) !== 0;
}

export function setNetCls(target: Target, { network = {} }: Resources): void {
  if (network.classID) writeLimit(target, "net_cls.classid", decimal(network.classID));
}

export function isNetPrioSet({ network = {} }: Resources): boolean {
  return (network.priorities ?? []).length > 0;
}

export function setNetPrio(target: Target, { network = {} }: Resources): void {
  for (const { name, priority } of network.priorities ?? []) {
    writeLimit(target, "net_prio.ifpriomap", `${name} ${decimal(priority)}`, {
      hints: { EINVAL: `there is no network interface "${name}"`, ENODEV: `there is no network interface "${name}"` },
      restore: (content) => [`${name} ${deviceLine(content, name) ?? "0"}`],
    });
  }
}
