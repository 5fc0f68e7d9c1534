/** `check`: whether the program of a config can be executed, and may have what it asks for. */

import type { Process, Rlimit, Spec } from "../../spec/types.ts";
import { type Finding, Report } from "./finding.ts";
import { findInRoot, mountedPlaces } from "./in_root.ts";
import { hasCapability, readOptional, SYS_RESOURCE } from "./read.ts";

/** @param rootfs the root file system, if it is there */
export function checkProcess({ process, mounts = [] }: Spec, rootfs: string | undefined): Finding[] {
  const report = new Report("config.json");
  if (process === undefined) return [];
  if (rootfs !== undefined) checkProgram(process, rootfs, mountedPlaces(mounts), report);
  if (!hasCapability(SYS_RESOURCE)) checkLimits(process, report);
  return report.findings;
}

function checkProgram(process: Process, rootfs: string, mounted: readonly string[], report: Report): void {
  const [program] = process.args ?? [];
  if (program === undefined || program === "") return;
  const pointer = "/process/args/0";
  const candidates = candidatesOf(program, process).map((path) => ({ path, found: findInRoot(rootfs, path, mounted) }));
  if (candidates.some(({ found }) => found === "unknown")) return;
  const there = candidates.flatMap(({ path, found }) => typeof found === "object" ? [{ path, info: found.info }] : []);
  if (there.length === 0) {
    const hint = program.includes("/") ? "is the root file system complete?" : "is it in PATH of process.env?";
    return report.error(`"${program}" is not in the root file system`, { pointer, hint });
  }
  if (there.some(({ info }) => info.isFile && ((info.mode ?? 0) & 0o111) !== 0)) return;
  const { path, info } = there[0]!;
  if (info.isDirectory) return report.error(`"${path}" is a directory`, { pointer });
  report.error(`"${path}" is not executable`, { pointer, hint: `chmod +x ${rootfs}${path}` });
}

/** Where the program may be: execvp(3) with the container's PATH. */
function candidatesOf(program: string, { env = [], cwd = "/" }: Process): string[] {
  if (program.startsWith("/")) return [program];
  if (program.includes("/")) return [`${cwd}/${program}`];
  const path = env.findLast((variable) => variable.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path.split(":").map((directory) => `${directory === "" ? cwd : directory}/${program}`);
}

/** Without CAP_SYS_RESOURCE hard limits can only fall, and oom_score_adj only rise. */
function checkLimits({ rlimits = [], oomScoreAdj }: Process, report: Report): void {
  const own = parseLimits(readOptional("/proc/self/limits") ?? "");
  rlimits.forEach((rlimit, i) => {
    const limit = own.get(rlimit.type);
    if (limit === undefined || !isAbove(rlimit, limit)) return;
    report.error(`${rlimit.type} is above the caller's own limit ${limit}`, {
      pointer: `/process/rlimits/${i}/hard`,
      hint: "lower it, or raise the caller's: it has no CAP_SYS_RESOURCE",
    });
  });
  const current = Number(readOptional("/proc/self/oom_score_adj") ?? 0);
  if (oomScoreAdj !== undefined && oomScoreAdj < current) {
    report.error(`${oomScoreAdj} is below the caller's own value ${current}`, {
      pointer: "/process/oomScoreAdj",
      hint: "the caller has no CAP_SYS_RESOURCE",
    });
  }
}

function isAbove({ hard }: Rlimit, limit: string): boolean {
  return limit !== "unlimited" && BigInt(hard) > BigInt(limit);
}

/** proc_pid_limits(5): names of the lines as names of rlimits. */
const LIMIT_LINES: Readonly<Record<string, string>> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/** The hard limits by their names: digits or "unlimited". */
export function parseLimits(text: string): Map<string, string> {
  const limits = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, hard] = /^(\w+(?: \w+)*)\s+\S+\s+(\S+)/.exec(line) ?? [];
    const type = name === undefined ? undefined : LIMIT_LINES[name];
    if (type !== undefined && hard !== undefined) limits.set(type, hard);
  }
  return limits;
}
