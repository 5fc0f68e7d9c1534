/** Rules of `linux.resources`, runtime-spec config-linux.md, "Control groups"; the words are runc's where it refuses too. */

import { at, type Findings } from "../problem.ts";
import type { BlockDevice, BlockIO, Cpu, DeviceRule, Memory, Resources } from "../types.ts";
import { isInterfaceName } from "./devices.ts";
import { parseIdList, quote } from "./text.ts";

const THROTTLES = [
  "throttleReadBpsDevice",
  "throttleWriteBpsDevice",
  "throttleReadIOPSDevice",
  "throttleWriteIOPSDevice",
] as const;

// the -1 of a client that stores it in an unsigned field, as a double
const MINUS_ONE = 2 ** 64;

/** @param pointer of the resources in their file: "/linux/resources", or "" for a resources file */
export function checkResources(resources: Resources, pointer: string, found: Findings): void {
  (resources.devices ?? []).forEach((rule, index) => {
    checkDeviceRule(rule, index, at(pointer, "devices", index), found);
  });
  checkMemory(resources.memory ?? {}, at(pointer, "memory"), found);
  checkCpu(resources.cpu ?? {}, at(pointer, "cpu"), found);
  checkLimit(resources.pids?.limit, at(pointer, "pids", "limit"), found);
  checkBlockIO(resources.blockIO ?? {}, at(pointer, "blockIO"), found);
  checkHugepages(resources, at(pointer, "hugepageLimits"), found);
  (resources.network?.priorities ?? []).forEach(({ name }, index) => {
    if (!isInterfaceName(name)) {
      found.error(at(pointer, "network", "priorities", index, "name"), `invalid network device name ${quote(name)}`);
    }
  });
  checkRdma(resources, at(pointer, "rdma"), found);
  checkUnified(resources, at(pointer, "unified"), found);
}

function checkDeviceRule(rule: DeviceRule, index: number, pointer: string, found: Findings): void {
  if (rule.type !== undefined && !["a", "b", "c"].includes(rule.type)) {
    found.error(at(pointer, "type"), `invalid cgroup device type ${quote(rule.type)}`);
  }
  for (const part of ["major", "minor"] as const) {
    // -1 stands for all, as absence does
    if ((rule[part] ?? -1) < -1) found.error(at(pointer, part), "must be -1 or more");
  }
  if (!rule.access) {
    found.error(at(pointer, "access"), `device access at ${index} field cannot be empty`);
  } else if (!/^[rwm]+$/.test(rule.access)) {
    // runc lets them be
    found.warn(
      at(pointer, "access"),
      `${quote(rule.access)} has letters other than "r", "w" and "m", which are ignored`,
    );
  }
}

// -1 is without limit
function checkLimit(limit: number | undefined, pointer: string, found: Findings): void {
  if (limit !== undefined && limit < -1) found.error(pointer, "must be -1 or more");
}

function checkMemory(memory: Memory, pointer: string, found: Findings): void {
  for (const field of ["limit", "reservation", "swap"] as const) checkLimit(memory[field], at(pointer, field), found);
  const { limit = 0, swap = 0, swappiness = 0 } = memory;
  if (swap > 0 && limit <= 0) {
    found.error(at(pointer, "swap"), "unable to set swap limit without memory limit");
  } else if (swap > 0 && swap < limit) {
    found.error(at(pointer, "swap"), "memory+swap limit should be >= memory limit");
  }
  if (swappiness > 100 && swappiness !== MINUS_ONE) {
    found.error(at(pointer, "swappiness"), `invalid memory swappiness value: ${swappiness} (valid range is 0-100)`);
  }
  for (const field of ["kernel", "kernelTCP"] as const) {
    if (memory[field] !== undefined) found.warn(at(pointer, field), "kernel memory settings are ignored");
  }
}

function checkCpu(cpu: Cpu, pointer: string, found: Findings): void {
  const { quota = 0, burst = 0, realtimeRuntime = 0, realtimePeriod = 0 } = cpu;
  if (quota > 0 && burst > quota) found.error(at(pointer, "burst"), `burst ${burst} is above the quota ${quota}`);
  if (realtimePeriod > 0 && realtimeRuntime > realtimePeriod) {
    const text = `realtimeRuntime ${realtimeRuntime} is above the realtimePeriod ${realtimePeriod}`;
    found.error(at(pointer, "realtimeRuntime"), text);
  }
  for (const field of ["cpus", "mems"] as const) {
    const ids = cpu[field];
    if (ids && !parseIdList(ids)?.length) {
      found.error(at(pointer, field), `${quote(ids)} is not a list such as "0-3,7"`);
    }
  }
  if (cpu.idle !== undefined && cpu.idle !== 0 && cpu.idle !== 1) found.error(at(pointer, "idle"), "must be 0 or 1");
}

function checkBlockIO(blockIO: BlockIO, pointer: string, found: Findings): void {
  checkWeights(blockIO, pointer, found);
  (blockIO.weightDevice ?? []).forEach((device, index) => {
    const entry = at(pointer, "weightDevice", index);
    checkNumbers(device, entry, found);
    checkWeights(device, entry, found);
    if (device.weight === undefined && device.leafWeight === undefined) {
      found.error(entry, "at least one of weight and leafWeight must be set");
    }
  });
  for (const way of THROTTLES) {
    blockIO[way]?.forEach((device, index) => checkNumbers(device, at(pointer, way, index), found));
  }
}

type Weights = Pick<BlockIO, "weight" | "leafWeight">;

// 0 is what clients send for "unset"
function checkWeights(weights: Weights, pointer: string, found: Findings): void {
  for (const field of ["weight", "leafWeight"] as const) {
    const weight = weights[field] ?? 0;
    if (weight !== 0 && (weight < 10 || weight > 1000)) found.error(at(pointer, field), "must be from 10 to 1000");
  }
}

function checkNumbers(device: BlockDevice, pointer: string, found: Findings): void {
  for (const part of ["major", "minor"] as const) {
    if (device[part] < 0) found.error(at(pointer, part), "must be 0 or more");
  }
}

function checkHugepages(resources: Resources, pointer: string, found: Findings): void {
  (resources.hugepageLimits ?? []).forEach(({ pageSize }, index) => {
    const entry = at(pointer, index, "pageSize");
    // the size becomes part of a file name: hugetlb.<size>.max
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize)) found.error(entry, `${quote(pageSize)} is not a size such as "2MB"`);
  });
}

function checkRdma(resources: Resources, pointer: string, found: Findings): void {
  for (const [device, limits] of Object.entries(resources.rdma ?? {})) {
    if (limits.hcaHandles === undefined && limits.hcaObjects === undefined) {
      found.error(at(pointer, device), "at least one of hcaHandles and hcaObjects must be set");
    }
  }
}

function checkUnified(resources: Resources, pointer: string, found: Findings): void {
  for (const key of Object.keys(resources.unified ?? {})) {
    if (key === "" || key === "." || key === ".." || key.includes("/")) {
      found.error(at(pointer, key), `unified resource ${quote(key)} must be a file name (no slashes)`);
    }
  }
}
