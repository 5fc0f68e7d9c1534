/** `check`: what an ordinary user needs to have containers. user_namespaces(7), subuid(5) */

import { effectiveIds } from "../credentials.ts";
import type { IdMapping, Spec } from "../../spec/types.ts";
import { rangeAdvice, subordinateRanges } from "../subids.ts";
import { findTool } from "../tools.ts";
import { type Finding, Report } from "./finding.ts";
import { hasCapability, readOptional, statOptional, SYS_ADMIN } from "./read.ts";

/** The caller and user namespaces, whatever the config. */
export function checkUsers(): Finding[] {
  const report = new Report("users");
  const { euid } = effectiveIds();
  if (euid === 0) {
    if (hasCapability(SYS_ADMIN)) report.ok("root");
    else report.error("root without CAP_SYS_ADMIN", { hint: "containers in containers need --privileged, or a user" });
    return report.findings;
  }
  report.ok(`uid ${euid}: containers need a user namespace`);
  checkUnprivileged(report);
  for (const kind of ["uid", "gid"] as const) checkRanges(kind, euid, report);
  return report.findings;
}

/** Two distributions' own switches. */
function checkUnprivileged(report: Report): void {
  if (readOptional("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
    report.error("users may not make user namespaces", { hint: "sysctl kernel.unprivileged_userns_clone=1" });
  }
  if (readOptional("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
    report.error("AppArmor takes their rights from user namespaces", {
      hint: "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile with userns for runo",
    });
  }
}

function checkRanges(kind: "uid" | "gid", euid: number, report: Report): void {
  const ranges = subordinateRanges(kind, euid), tool = `new${kind}map`;
  if (ranges.length === 0) {
    const hint = rangeAdvice(kind, euid);
    return report.warn(`/etc/sub${kind} has no range for you: only one id can be mapped`, { hint });
  }
  const path = findTool(tool);
  if (path === undefined) {
    return report.warn(`${tool} is missing: only one id can be mapped`, { hint: "install the package uidmap" });
  }
  const { mode = 0 } = statOptional(path) ?? {};
  // file capabilities are another way, and cannot be seen without system calls
  if (((mode ?? 0) & 0o4000) === 0) report.warn(`${path} is not setuid`, { hint: `chmod u+s ${path}` });
  report.ok(`${ranges.reduce((sum, { size }) => sum + size, 0)} ids in /etc/sub${kind}`);
}

/** The id maps of a config that an ordinary user is to run. */
export function checkMappings({ linux = {} }: Spec): Finding[] {
  const { euid, egid } = effectiveIds();
  if (euid === 0) return [];
  const report = new Report("config.json");
  checkMapped({ kind: "uid", own: euid, euid }, linux.uidMappings ?? [], report);
  checkMapped({ kind: "gid", own: egid, euid }, linux.gidMappings ?? [], report);
  return report.findings;
}

function checkMapped(
  { kind, own, euid }: { kind: "uid" | "gid"; own: number; euid: number },
  mappings: readonly IdMapping[],
  report: Report,
): void {
  const ranges = subordinateRanges(kind, euid);
  mappings.forEach(({ hostID, size }, i) => {
    if (hostID === own && size === 1) return;
    if (ranges.some(({ first, size: all }) => hostID >= first && hostID + size <= first + all)) return;
    report.error(`${kind}s ${hostID} to ${hostID + size - 1} are not yours to map`, {
      pointer: `/linux/${kind}Mappings/${i}`,
      hint: `add them to /etc/sub${kind}`,
    });
  });
}
