/** The blkio controller of cgroup v1. Kernel: admin-guide/cgroup-v1/blkio-controller.rst, block/bfq-iosched.rst */

import type { BlockDevice, BlockIO, Resources, ThrottleDevice, WeightDevice } from "../../spec/types.ts";
import { readIfThere } from "../files.ts";
import { type BlkioEntry, type BlkioStats, NO_BLKIO } from "../stats.ts";
import { hasFile, keepLines, type Target, writeLimit, type WriteOptions } from "../target.ts";
import { count, decimal, deviceLine } from "../text.ts";

export function isBlkioSet({ blockIO = {} }: Resources): boolean {
  const { weight = 0, leafWeight = 0 } = blockIO;
  const { weightDevice = [] } = blockIO;
  return weight !== 0 || leafWeight !== 0 || weightDevice.length > 0 || throttles(blockIO).length > 0;
}

export function setBlkio(target: Target, { blockIO = {} }: Resources): void {
  const { weight = 0, leafWeight = 0, weightDevice = [] } = blockIO;
  // CFQ had the short name; since Linux 5.0 only BFQ is left
  const own = hasFile(target, "blkio.weight") ? "blkio.weight" : "blkio.bfq.weight";
  const hints = { ENOENT: "the kernel has no BFQ scheduler (CONFIG_BFQ_GROUP_IOSCHED)" };
  if (weight !== 0) {
    // BFQ forgets the weights of single devices then
    keepLines(target, `${own}_device`, weightLines);
    writeLimit(target, own, decimal(weight), { hints });
  }
  if (leafWeight !== 0) writeLimit(target, "blkio.leaf_weight", decimal(leafWeight), { hints: LEAF_HINTS });
  for (const device of weightDevice) setDeviceWeights(target, `${own}_device`, device);
  for (const [file, device] of throttles(blockIO)) {
    writeLimit(target, file, `${numbers(device)} ${decimal(device.rate)}`, aboutDevice(device, "0"));
  }
}

/** Without the line "default 100". */
function weightLines(content: string): string[] {
  return content.split("\n").filter((line) => /^\d/.test(line));
}

const LEAF_HINTS = { ENOENT: "weights of leaves went with the CFQ scheduler in Linux 5.0" };

function setDeviceWeights(target: Target, file: string, device: WeightDevice): void {
  const { weight = 0, leafWeight = 0 } = device;
  const options = aboutDevice(device, "default");
  if (weight !== 0) writeLimit(target, file, `${numbers(device)} ${decimal(weight)}`, options);
  if (leafWeight === 0) return;
  const hints = { ...options.hints, ...LEAF_HINTS };
  writeLimit(target, "blkio.leaf_weight_device", `${numbers(device)} ${decimal(leafWeight)}`, { ...options, hints });
}

function throttles({
  throttleReadBpsDevice = [],
  throttleWriteBpsDevice = [],
  throttleReadIOPSDevice = [],
  throttleWriteIOPSDevice = [],
}: BlockIO): (readonly [file: string, device: ThrottleDevice])[] {
  const of = (way: string, devices: readonly ThrottleDevice[]) =>
    devices.map((device) => [`blkio.throttle.${way}_device`, device] as const);
  return [
    ...of("read_bps", throttleReadBpsDevice),
    ...of("write_bps", throttleWriteBpsDevice),
    ...of("read_iops", throttleReadIOPSDevice),
    ...of("write_iops", throttleWriteIOPSDevice),
  ];
}

function numbers({ major, minor }: BlockDevice): string {
  return `${major}:${minor}`;
}

/** @param none what the kernel takes as "no value" */
function aboutDevice(device: BlockDevice, none: string): WriteOptions & { hints: Readonly<Record<string, string>> } {
  const name = numbers(device);
  return {
    hints: {
      ENODEV: `there is no block device ${name}`,
      EOPNOTSUPP: `block device ${name} is not scheduled by BFQ`,
      ENOENT: "the kernel has no BFQ scheduler (CONFIG_BFQ_GROUP_IOSCHED)",
      EINVAL: "limits are for whole disks, not for partitions",
    },
    restore: (content) => [`${name} ${deviceLine(content, name) ?? none}`],
  };
}

type Tables = Readonly<Partial<Record<keyof BlkioStats, string>>>;

/** Which file fills which table, the schedulers in the order of what they know: BFQ with debugging, BFQ, CFQ, none. */
const SOURCES: readonly Tables[] = [
  recursive("blkio.bfq.", "time_recursive", "sectors_recursive"),
  {
    ioServicedRecursive: "blkio.bfq.io_serviced_recursive",
    ioServiceBytesRecursive: "blkio.bfq.io_service_bytes_recursive",
  },
  recursive("blkio.", "time_recursive", "sectors_recursive"),
  {
    ioServicedRecursive: "blkio.throttle.io_serviced_recursive",
    ioServiceBytesRecursive: "blkio.throttle.io_service_bytes_recursive",
  },
  { ioServicedRecursive: "blkio.throttle.io_serviced", ioServiceBytesRecursive: "blkio.throttle.io_service_bytes" },
];

function recursive(prefix: string, time: string, sectors: string): Tables {
  return {
    sectorsRecursive: `${prefix}${sectors}`,
    ioServiceTimeRecursive: `${prefix}io_service_time_recursive`,
    ioWaitTimeRecursive: `${prefix}io_wait_time_recursive`,
    ioMergedRecursive: `${prefix}io_merged_recursive`,
    ioQueueRecursive: `${prefix}io_queued_recursive`,
    ioTimeRecursive: `${prefix}${time}`,
    ioServicedRecursive: `${prefix}io_serviced_recursive`,
    ioServiceBytesRecursive: `${prefix}io_service_bytes_recursive`,
  };
}

/** The first source that has something to tell. */
export function statBlkio(path: string): BlkioStats {
  for (const tables of SOURCES) {
    const read = Object.entries(tables).map(([table, file]) => [table, readTable(`${path}/${file}`)] as const);
    if (read[0]?.[1].length) return { ...NO_BLKIO, ...Object.fromEntries(read) };
  }
  return NO_BLKIO;
}

/** Lines of "8:0 Read 4096", or "8:0 4096"; a line "Total" at the end. */
function readTable(path: string): BlkioEntry[] {
  return (readIfThere(path) ?? "").split("\n").flatMap((line) => {
    const fields = line.split(/[ :]/);
    if (fields.length < 3) return [];
    const [major = "", minor = ""] = fields;
    return [{
      major: count(major),
      minor: count(minor),
      op: fields.length === 4 ? fields[2]! : "",
      value: count(fields.at(-1)!),
    }];
  });
}
