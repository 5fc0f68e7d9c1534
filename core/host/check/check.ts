/** `check`: everything that is wrong with a host and a bundle, at once. Nothing is made, and no rights are needed. */

import { effectiveIds } from "../credentials.ts";
import type { HostOptions } from "../options.ts";
import type { Spec } from "../../spec/types.ts";
import { checkRootless } from "../rootless.ts";
import { findTool } from "../tools.ts";
import { checkCgroups, checkResources } from "./cgroups.ts";
import { readForCheck, rootfsForCheck } from "./config.ts";
import { type Finding, Report } from "./finding.ts";
import { checkKernel } from "./kernel.ts";
import { checkPlaces } from "./places.ts";
import { checkProcess } from "./process.ts";
import { checkConfinement, checkSecurity } from "./security.ts";
import { checkMappings, checkUsers } from "./users.ts";

export type { Finding } from "./finding.ts";

/** What is wrong with the host, and what is right. */
export function checkHost({ cgroupManager }: Pick<HostOptions, "cgroupManager">): Finding[] {
  return [...checkKernel(), ...checkCgroups(cgroupManager), ...checkUsers(), ...checkSecurity(), ...checkCriu()];
}

function checkCriu(): Finding[] {
  const report = new Report("criu");
  const path = findTool("criu");
  if (path !== undefined) report.ok(`"${path}"`);
  else report.warn("criu is not in PATH", { hint: "checkpoint and restore need it: install the package criu" });
  return report.findings;
}

/** Which bundle to check. */
export interface CheckOptions extends HostOptions {
  /** Absolute path. */
  readonly bundle: string;
  /** Another config file than the bundle's, absolute. */
  readonly config?: string | undefined;
}

/** What is wrong with a bundle, by itself and on this host. */
export function checkBundle(options: CheckOptions): Finding[] {
  const config = readForCheck(options.config ?? `${options.bundle}/config.json`);
  if ("level" in config) return [config];
  const { spec } = config;
  const { rootfs, findings } = rootfsForCheck(spec, options.bundle);
  return [
    ...config.findings,
    ...findings,
    ...checkProcess(spec, rootfs),
    ...checkPlaces(spec, { bundle: options.bundle, rootfs }),
    ...checkOwnership(spec, options),
    ...checkMappings(spec),
    ...checkResources(spec, "check"),
    ...checkConfinement(spec),
  ];
}

/** What an ordinary user's config must not ask for. */
function checkOwnership(spec: Spec, options: HostOptions): Finding[] {
  const report = new Report("config.json");
  try {
    checkRootless(spec, options, effectiveIds());
  } catch (error) {
    report.thrown(error);
  }
  return report.findings;
}
