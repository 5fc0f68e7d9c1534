/** Rules of `process`, runtime-spec config.md, "Process". */

import { CAPABILITIES } from "../capabilities.ts";
import { at, type Findings } from "../problem.ts";
import type { Capabilities, Process, Rlimit } from "../types.ts";
import { checkAffinity, checkIOPriority, checkScheduler } from "./scheduling.ts";
import { isAbsolute, quote } from "./text.ts";

// getrlimit(2); all that Linux has
const RLIMITS: ReadonlySet<string> = new Set(
  "AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK".split(" ")
    .map((name) => `RLIMIT_${name}`),
);

/** @param pointer of the process in its file: "/process", or "" for a process file */
export function checkProcess(process: Process, pointer: string, found: Findings): void {
  if (!isAbsolute(process.cwd)) found.error(at(pointer, "cwd"), "must be an absolute path");
  if ((process.args?.length ?? 0) === 0) found.error(at(pointer, "args"), "args must not be empty");
  checkEnv(process.env ?? [], at(pointer, "env"), found);
  checkRlimits(process.rlimits ?? [], at(pointer, "rlimits"), found);
  checkOomScore(process.oomScoreAdj, at(pointer, "oomScoreAdj"), found);
  checkCapabilities(process.capabilities ?? {}, at(pointer, "capabilities"), found);
  if (process.scheduler !== undefined) checkScheduler(process.scheduler, at(pointer, "scheduler"), found);
  if (process.ioPriority !== undefined) checkIOPriority(process.ioPriority, at(pointer, "ioPriority"), found);
  if (process.execCPUAffinity !== undefined) {
    checkAffinity(process.execCPUAffinity, at(pointer, "execCPUAffinity"), found);
  }
}

// The words are runc's (libcontainer/env.go).
function checkEnv(env: readonly string[], pointer: string, found: Findings): void {
  env.forEach((entry, index) => {
    if (!entry.includes("=")) found.error(at(pointer, index), "invalid environment variable: missing '='");
    if (entry.startsWith("=")) found.error(at(pointer, index), "invalid environment variable: name cannot be empty");
  });
}

function checkRlimits(rlimits: readonly Rlimit[], pointer: string, found: Findings): void {
  const seen = new Set<string>();
  rlimits.forEach(({ type, hard, soft }, index) => {
    if (!RLIMITS.has(type)) found.error(at(pointer, index, "type"), `unknown rlimit ${quote(type)}`);
    if (seen.has(type)) found.error(at(pointer, index, "type"), `duplicated rlimit ${quote(type)}`);
    if (BigInt(soft) > BigInt(hard)) {
      found.error(at(pointer, index, "soft"), `soft limit ${soft} is above the hard limit ${hard}`);
    }
    seen.add(type);
  });
}

// proc(5): the kernel refuses anything outside
function checkOomScore(score: number | undefined, pointer: string, found: Findings): void {
  if (score !== undefined && (score < -1000 || score > 1000)) found.error(pointer, "must be from -1000 to 1000");
}

// What cannot be granted is a warning by the specification, never an error.
function checkCapabilities(sets: Capabilities, pointer: string, found: Findings): void {
  for (const [set, names] of Object.entries(sets) as [keyof Capabilities, readonly string[]][]) {
    names.forEach((name, index) => {
      const reason = whyNotGranted(name, set, sets);
      if (reason !== undefined) found.warn(at(pointer, set, index), reason);
    });
  }
}

// capabilities(7): effective must be within permitted, ambient within both permitted and inheritable
function whyNotGranted(name: string, set: keyof Capabilities, sets: Capabilities): string | undefined {
  if (!CAPABILITIES.includes(name)) return `ignoring unknown capability ${quote(name)}`;
  const needed = { effective: ["permitted"], ambient: ["permitted", "inheritable"] }[set as string] ?? [];
  const missing = needed.filter((other) => !sets[other as keyof Capabilities]?.includes(name));
  if (missing.length === 0) return undefined;
  const why = `it is not ${missing.join(" and not ")}`;
  // the words are runc's
  return set === "ambient" ? `can't raise ambient capability ${name}: ${why}` : `${name} cannot be ${set}: ${why}`;
}
