/** The io controller of cgroup v2. Kernel: admin-guide/cgroup-v2.rst, "IO"; block/bfq-iosched.rst */

import type { BlockDevice, BlockIO, Resources, ThrottleDevice } from "../../spec/types.ts";
import { ioWeight } from "../conversions.ts";
import { readIfThere } from "../files.ts";
import { type BlkioEntry, type BlkioStats, NO_BLKIO } from "../stats.ts";
import { hasFile, readFile, type Target, writeLimit } from "../target.ts";
import { count, decimal, deviceLine, nestedKeyed } from "../text.ts";
import { pressure } from "./pressure.ts";

// weights of leaves were the CFQ scheduler's, in v1
export function isIoSet({ blockIO = {} }: Resources): boolean {
  const { weight = 0, weightDevice = [] } = blockIO;
  return weight !== 0 || weightDevice.length > 0 || throttles(blockIO).length > 0;
}

export function setIo(target: Target, { blockIO = {} }: Resources): void {
  setWeights(target, blockIO);
  for (const [key, device] of throttles(blockIO)) {
    const name = `${device.major}:${device.minor}`;
    writeLimit(target, "io.max", `${name} ${key}=${device.rate === 0 ? "max" : decimal(device.rate)}`, {
      hints: deviceHints(device),
      restore: (content) => [`${name} ${deviceLine(content, name) ?? "rbps=max wbps=max riops=max wiops=max"}`],
    });
  }
}

function deviceHints({ major, minor }: BlockDevice): Readonly<Record<string, string>> {
  return {
    ENODEV: `there is no block device ${major}:${minor}`,
    EOPNOTSUPP: `block device ${major}:${minor} is not scheduled by BFQ`,
    EINVAL: "limits are for whole disks, not for partitions",
  };
}

/** BFQ takes the weight as it is. Without BFQ there is io.weight (io.cost), on another scale. */
function setWeights(target: Target, { weight = 0, weightDevice = [] }: BlockIO): void {
  if (weight === 0 && weightDevice.length === 0) return;
  const bfq = hasFile(target, "io.bfq.weight");
  // the default, which makes BFQ forget the weights of single devices, and then these
  const restore = (content: string) => content.split("\n");
  if (weight !== 0 && bfq) writeLimit(target, "io.bfq.weight", decimal(weight), { restore });
  if (weight !== 0 && !bfq) writeLimit(target, "io.weight", decimal(ioWeight(weight)), { restore });
  // a file with one number alone is of a kernel before 5.4, which has no weights by device
  if (!bfq || !readFile(target, "io.bfq.weight").startsWith("default")) return;
  for (const device of weightDevice) {
    const { weight: own = 0 } = device, name = `${device.major}:${device.minor}`;
    // one with a weight for its leaves alone
    if (own === 0) continue;
    writeLimit(target, "io.bfq.weight", `${name} ${decimal(own)}`, {
      hints: deviceHints(device),
      restore: (content) => [`${name} ${deviceLine(content, name) ?? "default"}`],
    });
  }
}

function throttles({
  throttleReadBpsDevice = [],
  throttleWriteBpsDevice = [],
  throttleReadIOPSDevice = [],
  throttleWriteIOPSDevice = [],
}: BlockIO): (readonly [key: string, device: ThrottleDevice])[] {
  const of = (key: string, devices: readonly ThrottleDevice[]) => devices.map((device) => [key, device] as const);
  return [
    ...of("rbps", throttleReadBpsDevice),
    ...of("wbps", throttleWriteBpsDevice),
    ...of("riops", throttleReadIOPSDevice),
    ...of("wiops", throttleWriteIOPSDevice),
  ];
}

/** Which number of io.stat is which entry of which table of v1. */
const TABLES = [
  ["ioServiceBytesRecursive", "Read", "rbytes"],
  ["ioServiceBytesRecursive", "Write", "wbytes"],
  ["ioServicedRecursive", "Read", "rios"],
  ["ioServicedRecursive", "Write", "wios"],
] as const;

export function statIo(path: string): BlkioStats {
  const tables: { ioServiceBytesRecursive: BlkioEntry[]; ioServicedRecursive: BlkioEntry[] } = {
    ioServiceBytesRecursive: [],
    ioServicedRecursive: [],
  };
  for (const [device, values] of nestedKeyed(readIfThere(`${path}/io.stat`) ?? "")) {
    const [major = "", minor = ""] = device.split(":");
    for (const [table, op, key] of TABLES) {
      const value = values.get(key);
      if (value !== undefined) {
        tables[table].push({ major: count(major), minor: count(minor), op, value: count(value) });
      }
    }
  }
  return { ...NO_BLKIO, ...tables, ...pressure(`${path}/io.pressure`) };
}
