/** `check`: what the kernel offers. */

import { NAMESPACE_TYPES } from "../../spec/validate/namespaces.ts";
import type { NamespaceType } from "../../spec/types.ts";
import { type Finding, Report } from "./finding.ts";
import { readOptional, statOptional } from "./read.ts";

/** The first kernel with mount_setattr(2). */
const OLDEST: readonly [major: number, minor: number] = [5, 12];

/** Names below /proc/self/ns and in the names of limits, where they are not the config's. */
const KERNEL_NAMES: Readonly<Partial<Record<NamespaceType, string>>> = { network: "net", mount: "mnt" };

/** The kernel, whatever the config. */
export function checkKernel(): Finding[] {
  const report = new Report("kernel");
  checkRelease(readOptional("/proc/sys/kernel/osrelease") ?? "", report);
  checkNamespaceTypes(report);
  // memfd_create(2): with 2 nothing in a memory file may be executed, and init is in one
  if (readOptional("/proc/sys/vm/memfd_noexec") === "2") {
    report.error("memory files cannot be executed", { hint: "sysctl vm.memfd_noexec=1" });
  }
  return report.findings;
}

/** Whether a release such as "5.10.0-28-amd64" is new enough. */
export function checkRelease(release: string, report: Report): void {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [oldestMajor, oldestMinor] = OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    report.ok(`Linux ${release}`);
  } else {
    report.error(`Linux ${release} is too old`, { hint: `runo needs ${OLDEST.join(".")} or later` });
  }
}

function checkNamespaceTypes(report: Report): void {
  const missing = NAMESPACE_TYPES.filter((type) => !hasNamespaceType(type));
  const closed = NAMESPACE_TYPES.filter((type) => !missing.includes(type) && limitOf(type) === "0");
  if (missing.length > 0) report.warn(`the kernel has no namespaces of type ${missing.join(", ")}`);
  for (const type of closed) {
    const limit = `user.max_${kernelName(type)}_namespaces`;
    report.error(`no new ${type} namespace is allowed`, { hint: `sysctl ${limit}=10000` });
  }
  if (missing.length + closed.length === 0) report.ok("namespaces of all types");
}

/** Whether the kernel knows namespaces of this type. */
export function hasNamespaceType(type: NamespaceType): boolean {
  return statOptional(`/proc/self/ns/${kernelName(type)}`) !== undefined;
}

function limitOf(type: NamespaceType): string | undefined {
  return readOptional(`/proc/sys/user/max_${kernelName(type)}_namespaces`);
}

function kernelName(type: NamespaceType): string {
  return KERNEL_NAMES[type] ?? type;
}
