/** Values of config.json, which speaks the language of cgroup v1, as cgroup v2 wants them. Formulas: runc. */

import { RunoError } from "../error.ts";
import type { Memory } from "../spec/types.ts";
import { decimal } from "./text.ts";

/**
 * The weight (1 to 10000, 100 is the default) for shares (2 to 262144, 1024 is the default): a quadratic curve through
 * the two ends and the defaults. 0 is unset.
 */
export function weightOfShares(shares: number): number {
  if (shares === 0) return 0;
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/** The weight for `io.weight` (1 to 10000) of a weight for BFQ (10 to 1000). */
export function ioWeight(weight: number): number {
  return weight === 0 ? 0 : 1 + Math.floor((weight - 10) * 9999 / 990);
}

/**
 * The limit for swap alone, from the one for memory and swap together: undefined is unset, -1 without limit.
 * @throws {RunoError} `invalid` when the two contradict each other
 */
export function swapOnly({ limit = 0, swap = 0 }: Memory): number | undefined {
  // as on v1: no limit for memory means none for swap
  if (swap === 0) return limit === -1 ? -1 : undefined;
  if (swap === -1 || limit === -1) return swap;
  if (limit === 0) throw new RunoError("unable to set swap limit without memory limit", { kind: "invalid" });
  if (swap < limit) throw new RunoError("memory+swap limit should be >= memory limit", { kind: "invalid" });
  return swap - limit;
}

/** A limit as the files of v2 take it. */
export function limitText(value: number): string {
  return value === -1 ? "max" : decimal(value);
}

/** What is written to pids.max: 0 would be without meaning, and systemd takes it for "no limit". */
export function pidsText(limit: number): string {
  if (limit < 0) return "max";
  return limit === 0 ? "1" : decimal(limit);
}
