/** The memory controller of cgroup v2. Kernel: admin-guide/cgroup-v2.rst, "Memory" */

import { errnoOf, RunoError } from "../../error.ts";
import type { Memory, Resources } from "../../spec/types.ts";
import { limitText, swapOnly } from "../conversions.ts";
import { readIfThere } from "../files.ts";
import { type MemoryEntry, type MemoryStats, NO_MEMORY, NO_MEMORY_ENTRY } from "../stats.ts";
import { hasFile, readFile, type Target, writeLimit } from "../target.ts";
import { count, flatKeyed } from "../text.ts";
import { pressure } from "./pressure.ts";

// there is no swappiness and no switch for the OOM killer in v2; the limits of kernel memory are gone
export function isMemorySet({ memory = {} }: Resources): boolean {
  const { limit = 0, reservation = 0, swap = 0 } = memory;
  return limit !== 0 || reservation !== 0 || swap !== 0;
}

export function setMemory(target: Target, { memory = {} }: Resources): void {
  const { limit = 0, reservation = 0, checkBeforeUpdate = false } = memory;
  if (checkBeforeUpdate) checkUsage(target, memory);
  setSwap(target, swapOnly(memory));
  if (limit !== 0) writeLimit(target, "memory.max", limitText(limit));
  if (reservation !== 0) writeLimit(target, "memory.low", limitText(reservation));
}

function setSwap(target: Target, swap: number | undefined): void {
  if (swap === undefined) return;
  try {
    writeLimit(target, "memory.swap.max", limitText(swap), {
      hints: { ENOENT: "this kernel does not count swap (CONFIG_SWAP, swapaccount=1)" },
    });
  } catch (error) {
    // where there is no swap, none and all of it are the same
    if (errnoOf(error) !== "ENOENT" || swap > 0) throw error;
  }
}

/** The kernel takes a limit below the usage, and then kills; memory.checkBeforeUpdate forbids that. */
function checkUsage(target: Target, { limit = 0, swap = 0 }: Memory): void {
  if (!hasFile(target, "memory.current")) return;
  const usage = count(readFile(target, "memory.current"));
  const refuse = (what: string, value: number) => {
    if (value > 0 && BigInt(value) <= usage) {
      throw new RunoError(`rejecting ${what} limit ${value} <= usage ${usage}`, { kind: "state" });
    }
  };
  refuse("memory+swap", swap);
  refuse("memory", limit);
}

export function statMemory(path: string): MemoryStats {
  const stat = readIfThere(`${path}/memory.stat`);
  if (stat === undefined) return { ...NO_MEMORY, ...pressure(`${path}/memory.pressure`) };
  const raw = flatKeyed(stat);
  const usage = entry(path, "memory") ?? wholeMachine(raw);
  return {
    ...NO_MEMORY,
    cache: raw.get("file") ?? 0n,
    usage,
    swap: withSwap(usage, entry(path, "memory.swap")),
    raw: Object.fromEntries(raw),
    ...pressure(`${path}/memory.pressure`),
  };
}

function entry(path: string, what: string): MemoryEntry | undefined {
  const usage = readIfThere(`${path}/${what}.current`);
  if (usage === undefined) return undefined;
  // the peaks came with Linux 5.19 and 6.5
  const max = readIfThere(`${path}/${what}.peak`);
  return {
    ...NO_MEMORY_ENTRY,
    limit: count(readIfThere(`${path}/${what}.max`) ?? "max"),
    usage: count(usage),
    max: max === undefined ? 0n : count(max),
  };
}

/** The root cgroup has no memory.current. */
function wholeMachine(raw: ReadonlyMap<string, bigint>): MemoryEntry {
  return { ...NO_MEMORY_ENTRY, limit: UNLIMITED, usage: (raw.get("anon") ?? 0n) + (raw.get("file") ?? 0n) };
}

const UNLIMITED = count("max");

/** As v1 counts: both together. Their peaks cannot be added. */
function withSwap(memory: MemoryEntry, swap: MemoryEntry | undefined): MemoryEntry {
  if (swap === undefined) return { ...NO_MEMORY_ENTRY, usage: memory.usage };
  const limit = swap.limit === UNLIMITED || memory.limit === UNLIMITED ? UNLIMITED : swap.limit + memory.limit;
  return { ...NO_MEMORY_ENTRY, limit, usage: swap.usage + memory.usage };
}
