/** `check`: seccomp and the security modules. */

import { libseccompVersion } from "../../../ffi/libseccomp.ts";
import type { Process, Seccomp, Spec } from "../../spec/types.ts";
import { hasAppArmor, hasSELinux } from "../lsm.ts";
import { type Finding, Report } from "./finding.ts";
import { readOptional } from "./read.ts";

/** The kernel's words for actions, as /proc/sys/kernel/seccomp/actions_avail has them. */
const ACTION_NAMES: Readonly<Record<string, string>> = {
  SCMP_ACT_KILL: "kill_thread",
  SCMP_ACT_KILL_THREAD: "kill_thread",
  SCMP_ACT_KILL_PROCESS: "kill_process",
  SCMP_ACT_TRAP: "trap",
  SCMP_ACT_ERRNO: "errno",
  SCMP_ACT_NOTIFY: "user_notif",
  SCMP_ACT_TRACE: "trace",
  SCMP_ACT_LOG: "log",
  SCMP_ACT_ALLOW: "allow",
};

const LIBRARY_HINT = "profiles need it: install the package libseccomp2";

/** What the kernel has, whatever the config. */
export function checkSecurity(): Finding[] {
  const report = new Report("security");
  const actions = seccompActions();
  if (actions === undefined) report.warn("the kernel has no seccomp filters", { hint: "CONFIG_SECCOMP_FILTER=y" });
  else report.ok(`seccomp: ${actions.join(", ")}`);
  const version = libseccompVersion();
  if (version === undefined) report.warn("libseccomp.so.2 is missing", { hint: LIBRARY_HINT });
  else report.ok(`libseccomp ${version}`);
  report.ok(`AppArmor ${hasAppArmor() ? "is on" : "is off"}, SELinux ${hasSELinux() ? "is on" : "is off"}`);
  return report.findings;
}

function seccompActions(): string[] | undefined {
  return readOptional("/proc/sys/kernel/seccomp/actions_avail")?.split(" ");
}

/** What a config asks of them. */
export function checkConfinement({ process, linux }: Spec): Finding[] {
  const report = new Report("config.json");
  if (process !== undefined) checkLabels(process, report);
  if (linux?.mountLabel && !hasSELinux()) {
    report.error("SELinux is off", { pointer: "/linux/mountLabel", hint: "leave out the label" });
  }
  if (linux?.seccomp !== undefined) checkActions(linux.seccomp, report);
  return report.findings;
}

function checkLabels({ apparmorProfile, selinuxLabel }: Process, report: Report): void {
  if (selinuxLabel && !hasSELinux()) {
    report.error("SELinux is off", { pointer: "/process/selinuxLabel", hint: "leave out the label" });
  }
  if (!apparmorProfile) return;
  const pointer = "/process/apparmorProfile";
  if (!hasAppArmor()) return report.error("AppArmor is off", { pointer, hint: "leave out the profile" });
  const profiles = readOptional("/sys/kernel/security/apparmor/profiles");
  const isLoaded = profiles?.split("\n").some((line) => line.startsWith(`${apparmorProfile} (`)) ?? true;
  if (!isLoaded && apparmorProfile !== "unconfined") {
    report.error(`AppArmor profile "${apparmorProfile}" is not loaded`, { pointer, hint: "apparmor_parser -r FILE" });
  }
}

function checkActions({ defaultAction, syscalls = [] }: Seccomp, report: Report): void {
  const pointer = "/linux/seccomp", available = seccompActions();
  if (libseccompVersion() === undefined) report.error("libseccomp.so.2 is missing", { pointer, hint: LIBRARY_HINT });
  if (available === undefined) return report.error("the kernel has no seccomp filters", { pointer });
  const wanted = [defaultAction, ...syscalls.map(({ action }) => action)];
  const missing = new Set(wanted.filter((action) => {
    const name = ACTION_NAMES[action];
    return name !== undefined && !available.includes(name);
  }));
  for (const action of missing) report.error(`the kernel does not know ${action}`, { pointer });
}
