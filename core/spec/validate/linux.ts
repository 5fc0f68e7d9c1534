/** Rules of the smaller parts of `linux`: propagation, cgroupsPath, personality, memory policy, Intel RDT. */

import { at, type Findings } from "../problem.ts";
import type { IntelRdt, Linux, MemoryPolicy, Personality, RootfsPropagation } from "../types.ts";
import { parseIdList, quote } from "./text.ts";

const PROPAGATIONS: readonly RootfsPropagation[] = [
  "shared",
  "rshared",
  "slave",
  "rslave",
  "private",
  "rprivate",
  "unbindable",
  "runbindable",
];

/** Each of the parts that this file knows. */
export function checkLinux(linux: Linux, found: Findings): void {
  const { rootfsPropagation, cgroupsPath } = linux;
  if (rootfsPropagation !== undefined && !PROPAGATIONS.includes(rootfsPropagation)) {
    found.error("/linux/rootfsPropagation", `rootfsPropagation=${rootfsPropagation} is not supported`);
  }
  // runc takes it without a word
  if (cgroupsPath?.split("/").includes("..")) {
    found.warn("/linux/cgroupsPath", 'has "..", which does not lead above "/"');
  }
  if (linux.personality !== undefined) checkPersonality(linux.personality, found);
  if (linux.memoryPolicy !== undefined) checkMemoryPolicy(linux.memoryPolicy, found);
  if (linux.intelRdt !== undefined) checkIntelRdt(linux.intelRdt, found);
}

function checkPersonality({ domain, flags = [] }: Personality, found: Findings): void {
  if (domain !== "LINUX" && domain !== "LINUX32") {
    found.error("/linux/personality/domain", `invalid personality domain ${quote(domain)}`);
  }
  if (flags.length > 0) found.warn("/linux/personality/flags", "ignoring unsupported personality flags");
}

/** How many nodes each mode takes, set_mempolicy(2). */
export const NODES_OF_MODE: Readonly<Record<string, "none" | "some" | "any">> = {
  MPOL_DEFAULT: "none",
  MPOL_LOCAL: "none",
  MPOL_BIND: "some",
  MPOL_INTERLEAVE: "some",
  MPOL_WEIGHTED_INTERLEAVE: "some",
  MPOL_PREFERRED_MANY: "some",
  MPOL_PREFERRED: "any",
};

/** Flags of a memory policy. */
export const MEMORY_FLAGS: readonly string[] = [
  "MPOL_F_NUMA_BALANCING",
  "MPOL_F_RELATIVE_NODES",
  "MPOL_F_STATIC_NODES",
];

function checkMemoryPolicy(policy: MemoryPolicy, found: Findings): void {
  const pointer = "/linux/memoryPolicy";
  const { nodes = "", flags = [] } = policy;
  const mode: string = policy.mode ?? "";
  const wanted = Object.hasOwn(NODES_OF_MODE, mode) ? NODES_OF_MODE[mode] : undefined;
  if (wanted === undefined) found.error(at(pointer, "mode"), `invalid memory policy mode ${quote(mode)}`);
  flags.forEach((flag, index) => {
    if (!MEMORY_FLAGS.includes(flag)) {
      found.error(at(pointer, "flags", index), `invalid memory policy flag ${quote(flag)}`);
    }
  });
  const ranges = parseIdList(nodes);
  if (ranges === undefined) {
    return found.error(at(pointer, "nodes"), `invalid memory policy nodes ${quote(nodes)}`);
  }
  const count = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  if (wanted === "none" && count > 0) {
    found.error(at(pointer, "nodes"), `memory policy mode requires 0 nodes but got ${count}`);
  } else if (wanted === "some" && count === 0) {
    found.error(at(pointer, "nodes"), "memory policy mode requires at least one node but got 0");
  }
}

function checkIntelRdt(rdt: IntelRdt, found: Findings): void {
  const pointer = "/linux/intelRdt";
  const { closID = "", l3CacheSchema = "", memBwSchema = "", schemata = [] } = rdt;
  // "/" alone is the default class, the root of resctrl
  if (closID === "." || closID === ".." || (closID !== "/" && closID.includes("/"))) {
    found.error(at(pointer, "closID"), `invalid intelRdt.ClosID ${quote(closID)}`);
  }
  // the specification says SHOULD for this one, and MUST for the two below
  if (l3CacheSchema !== "" && (!l3CacheSchema.startsWith("L3:") || l3CacheSchema.includes("\n"))) {
    found.warn(at(pointer, "l3CacheSchema"), 'should be one line that starts with "L3:"');
  }
  if (memBwSchema !== "" && (!memBwSchema.startsWith("MB:") || memBwSchema.includes("\n"))) {
    found.error(at(pointer, "memBwSchema"), 'must be one line that starts with "MB:"');
  }
  schemata.forEach((line, index) => {
    if (line.includes("\n")) found.error(at(pointer, "schemata", index), "must not contain newlines");
  });
}
