/** The memory controller of cgroup v1. Kernel: admin-guide/cgroup-v1/memory.rst */

import { errnoOf, RunoError } from "../../error.ts";
import type { Memory, Resources } from "../../spec/types.ts";
import { readIfThere } from "../files.ts";
import { type MemoryEntry, type MemoryStats, NO_MEMORY, NO_MEMORY_ENTRY } from "../stats.ts";
import { hasFile, readFile, type Target, writeLimit } from "../target.ts";
import { count, decimal, flatKeyed } from "../text.ts";

const LIMIT = "memory.limit_in_bytes", WITH_SWAP = "memory.memsw.limit_in_bytes";

// kernel and kernelTCP are ignored: those limits are gone from the kernel
export function isMemorySet({ memory = {} }: Resources): boolean {
  const { limit = 0, reservation = 0, swap = 0, disableOOMKiller = false } = memory;
  return limit !== 0 || reservation !== 0 || swap !== 0 || disableOOMKiller || hasSwappiness(memory);
}

export function setMemory(target: Target, { memory = {} }: Resources): void {
  setLimits(target, memory);
  const { reservation = 0, disableOOMKiller = false, swappiness = 0 } = memory;
  if (reservation !== 0) writeLimit(target, "memory.soft_limit_in_bytes", decimal(reservation));
  if (disableOOMKiller) {
    const restore = (content: string) => [String(flatKeyed(content).get("oom_kill_disable") ?? 0)];
    writeLimit(target, "memory.oom_control", "1", { restore });
  }
  if (hasSwappiness(memory)) writeLimit(target, "memory.swappiness", decimal(swappiness));
}

// some clients send -1 in an unsigned field, for "unset"
function hasSwappiness({ swappiness }: Memory): boolean {
  return swappiness !== undefined && swappiness <= 100 && swappiness >= 0;
}

/** memory.limit may never be above memory.memsw.limit, not even in between: the order follows from the current values. */
function setLimits(target: Target, { limit = 0, swap = 0 }: Memory): void {
  // without a limit for memory there is none for swap, if this kernel counts swap
  const both = limit === -1 && swap === 0 && hasFile(target, WITH_SWAP) ? -1 : swap;
  const swapFirst = limit !== 0 && both !== 0 && (both === -1 || count(readFile(target, LIMIT)) < BigInt(both));
  const steps = [() => setLimit(target, limit), () => setSwap(target, both)];
  for (const step of swapFirst ? steps.reverse() : steps) step();
}

function setLimit(target: Target, limit: number): void {
  if (limit === 0) return;
  try {
    writeLimit(target, LIMIT, decimal(limit), {
      hints: { EINVAL: "the limit is above that of memory and swap together: set that too (memory.swap)" },
    });
  } catch (error) {
    if (errnoOf(error) !== "EBUSY") throw error;
    const usage = readFile(target, "memory.usage_in_bytes"), peak = readFile(target, "memory.max_usage_in_bytes");
    throw new RunoError(`unable to set memory limit to ${limit} (current usage: ${usage}, peak usage: ${peak})`);
  }
}

function setSwap(target: Target, swap: number): void {
  if (swap === 0) return;
  writeLimit(target, WITH_SWAP, decimal(swap), {
    hints: {
      ENOENT: "this kernel does not count swap: boot it with swapaccount=1",
      EINVAL: "the limit of memory and swap together is below that of memory",
      EBUSY: "more is in use already",
    },
  });
}

export function statMemory(path: string): MemoryStats {
  const stat = readIfThere(`${path}/memory.stat`);
  if (stat === undefined) return NO_MEMORY;
  const raw = flatKeyed(stat);
  return {
    cache: raw.get("cache") ?? 0n,
    usage: entry(path, "memory"),
    swap: entry(path, "memory.memsw"),
    kernel: entry(path, "memory.kmem"),
    kernelTCP: entry(path, "memory.kmem.tcp"),
    raw: Object.fromEntries(raw),
  };
}

/** Of what this kernel does not count everything is 0. */
function entry(path: string, what: string): MemoryEntry {
  const number = (file: string) => {
    const text = readIfThere(`${path}/${what}.${file}`);
    return text === undefined ? undefined : count(text);
  };
  const usage = number("usage_in_bytes");
  if (usage === undefined) return NO_MEMORY_ENTRY;
  const limit = number("limit_in_bytes") ?? 0n, max = number("max_usage_in_bytes") ?? 0n;
  return { limit, usage, max, failcnt: number("failcnt") ?? 0n };
}
