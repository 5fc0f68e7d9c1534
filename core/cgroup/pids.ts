/** The pids controller, the same in v1 and v2. Kernel: admin-guide/cgroup-v1/pids.rst */

import { errnoOf } from "../error.ts";
import type { Resources } from "../spec/types.ts";
import { pidsText } from "./conversions.ts";
import { readIfThere, readValue } from "./files.ts";
import type { PidsStats } from "./stats.ts";
import { type Target, writeLimit } from "./target.ts";
import { count } from "./text.ts";

export function isPidsSet({ pids = {} }: Resources): boolean {
  return pids.limit !== undefined;
}

export function setPids(target: Target, { pids = {} }: Resources): void {
  if (pids.limit !== undefined) writeLimit(target, "pids.max", pidsText(pids.limit));
}

/** A limit of 0 is none. Without the controller the processes are counted. */
export function statPids(path: string): PidsStats {
  const current = readIfThere(`${path}/pids.current`);
  if (current === undefined) return { current: BigInt(countLines(path)), limit: 0n };
  const limit = readIfThere(`${path}/pids.max`) ?? "max";
  return { current: count(current), limit: limit === "max" ? 0n : count(limit) };
}

function countLines(path: string): number {
  const lines = (text: string | undefined) => text === undefined || text === "" ? 0 : text.split("\n").length;
  try {
    return lines(readIfThere(`${path}/cgroup.procs`));
  } catch (error) {
    // a threaded cgroup lists threads alone
    if (errnoOf(error) !== "ENOTSUP") throw error;
    return lines(readValue(`${path}/cgroup.threads`));
  }
}
