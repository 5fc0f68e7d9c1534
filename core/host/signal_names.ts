/** Signals by name, signal(7). The numbers are those of x86 and ARM. */

import { RunoError } from "../error.ts";

const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
    .split(" ");

const OTHER_NAMES: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29, RTMIN: 34, RTMAX: 64 };

/**
 * The number of a signal: "9", "KILL", "sigkill", "RTMIN+3".
 * @throws {RunoError} with runc's words
 */
export function parseSignal(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, "");
  const number = realTime(name) ?? OTHER_NAMES[name] ?? NAMES.indexOf(name) + 1;
  if (number === 0) throw new RunoError(`unknown signal ${JSON.stringify(text)}`, { kind: "invalid" });
  return number;
}

/** Counted from the first two that the C library leaves to programs. */
function realTime(name: string): number | undefined {
  const [, base, distance] = /^RT(MIN\+|MAX-)(\d+)$/.exec(name) ?? [];
  if (base === undefined || Number(distance) > 30) return undefined;
  return base === "MIN+" ? 34 + Number(distance) : 64 - Number(distance);
}
