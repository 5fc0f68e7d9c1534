/**
 * Limits as properties of a unit, so that systemd does not take them back when it looks at the unit again
 * (daemon-reload). What systemd has no property for is set in the cgroup's files alone. systemd.resource-control(5),
 * runc's docs/systemd.md
 */

import type { BusValue } from "../../../ffi/libsystemd.ts";
import type { Cpu, Memory, Resources } from "../../spec/types.ts";
import { swapOnly, weightOfShares } from "../conversions.ts";
import { idList } from "../text.ts";

/** A property: its name, D-Bus type, value. */
export type Property = readonly [name: string, signature: string, value: BusValue];

/** "infinity" in numbers of 64 bits. */
const INFINITY = 2n ** 64n - 1n;

/** The first version of systemd that has a property at all. */
const SINCE: Readonly<Record<string, number>> = {
  CPUQuotaPeriodUSec: 242,
  AllowedCPUs: 244,
  AllowedMemoryNodes: 244,
};

/** CPUWeight=0 is cpu.idle since this version. */
const IDLE_SINCE = 252;

/** What limits are for. */
export interface PropertyOptions {
  readonly cgroup: "v1" | "v2";
  /** Asked only when it matters. @returns the number before the first dot */
  readonly version: () => number;
}

/** The properties of all limits that are set. */
export function limitProperties(resources: Resources, options: PropertyOptions): Property[] {
  const { memory = {}, cpu = {}, pids, blockIO, unified = {} } = resources;
  const v2 = options.cgroup === "v2";
  const properties = [
    ...v2 ? memoryV2(memory) : memoryV1(memory),
    ...v2 ? weightV2(cpu, options) : number("CPUShares", cpu.shares),
    ...bandwidth(cpu.quota, cpu.period),
    ...mask("AllowedCPUs", cpu.cpus),
    ...mask("AllowedMemoryNodes", cpu.mems),
    ...pids?.limit === undefined ? [] : [tasks(pids.limit)],
    ...v2 ? [] : number("BlockIOWeight", blockIO?.weight),
    // last: they may be about the same property
    ...v2 ? Object.entries(unified).flatMap(([file, value]) => unifiedProperty(file, value.trim(), options)) : [],
  ];
  return properties.filter(([name]) => SINCE[name] === undefined || options.version() >= SINCE[name]);
}

/** Those of `after` that are not in `before` with the same value. */
export function changedProperties(before: readonly Property[], after: readonly Property[]): Property[] {
  const text = (property: Property) =>
    JSON.stringify(property, (_, value) => typeof value === "bigint" ? String(value) : value);
  const old = new Set(before.map(text));
  return after.filter((property) => !old.has(text(property)));
}

function memoryV2(memory: Memory): Property[] {
  return [
    ...number("MemoryMax", memory.limit),
    ...number("MemoryLow", memory.reservation),
    ...optional("MemorySwapMax", swapOnly(memory)),
  ];
}

function memoryV1({ limit }: Memory): Property[] {
  return number("MemoryLimit", limit);
}

function weightV2({ shares = 0, idle }: Cpu, { version }: PropertyOptions): Property[] {
  if (idle === 1) return version() >= IDLE_SINCE ? [["CPUWeight", "t", 0n]] : [];
  return number("CPUWeight", weightOfShares(shares));
}

/** systemd thinks in microseconds of CPU per second, in steps of 10 ms: rounded up, so that the files can be set exactly. */
function bandwidth(quota = 0, period = 0): Property[] {
  const periods = number("CPUQuotaPeriodUSec", period);
  if (quota === 0) return periods;
  if (quota < 0) return [...periods, ["CPUQuotaPerSecUSec", "t", INFINITY]];
  const perSecond = Math.trunc(quota * 1_000_000 / (period === 0 ? 100_000 : period));
  return [...periods, ["CPUQuotaPerSecUSec", "t", BigInt(Math.ceil(perSecond / 10_000) * 10_000)]];
}

/** A list of ids as a bit mask, the lowest first. */
function mask(name: string, list = ""): Property[] {
  if (list.trim() === "") return [];
  const ids = idList(list);
  const bytes = new Array<number>(Math.floor(Math.max(...ids) / 8) + 1).fill(0);
  for (const id of ids) bytes[Math.floor(id / 8)]! |= 1 << (id % 8);
  return [[name, "ay", bytes]];
}

/** 0 would be "no limit" to systemd. */
function tasks(limit: number): Property {
  return ["TasksMax", "t", limit < 0 ? INFINITY : BigInt(Math.max(limit, 1))];
}

/** 0 is unset. */
function number(name: string, value = 0): Property[] {
  return value === 0 ? [] : optional(name, value);
}

function optional(name: string, value: number | undefined): Property[] {
  if (value === undefined) return [];
  return [[name, "t", value < 0 ? INFINITY : BigInt(Math.trunc(value))]];
}

const UNIFIED_NUMBERS: Readonly<Record<string, string>> = {
  "memory.max": "MemoryMax",
  "memory.high": "MemoryHigh",
  "memory.min": "MemoryMin",
  "memory.low": "MemoryLow",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
  "cpu.weight": "CPUWeight",
};

/** The file's property, if it has one and the value is in plain numbers; others are left to the file. */
function unifiedProperty(file: string, value: string, options: PropertyOptions): Property[] {
  const name = UNIFIED_NUMBERS[file];
  if (name !== undefined) {
    if (value === "max") return [[name, "t", INFINITY]];
    return /^\d+$/.test(value) ? [[name, "t", BigInt(value)]] : [];
  }
  if (file === "cpuset.cpus") return mask("AllowedCPUs", value);
  if (file === "cpuset.mems") return mask("AllowedMemoryNodes", value);
  if (file === "cpu.idle") return weightV2({ idle: Number(value) }, options);
  const [, quota, period] = file === "cpu.max" ? /^(max|\d+)(?: (\d+))?$/.exec(value) ?? [] : [];
  if (quota === undefined) return [];
  return bandwidth(quota === "max" ? -1 : Number(quota), Number(period ?? 0));
}
