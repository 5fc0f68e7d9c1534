/** `check`: config.json by itself, and its root file system. */

import { examineSpec } from "../../spec/parse.ts";
import type { Spec } from "../../spec/types.ts";
import { findRootfs, readConfig } from "../bundle.ts";
import { type Finding, Report } from "./finding.ts";

/** What could be read. */
export interface Config {
  readonly spec: Spec;
  readonly findings: readonly Finding[];
}

/** Reads a config, with everything that is wrong with it. Undefined: it cannot be read at all, and the finding says why. */
export function readForCheck(path: string): Config | Finding {
  const report = new Report("config.json");
  try {
    const { value: spec, errors, warnings } = examineSpec(readConfig(path), path);
    for (const { pointer, message } of errors) report.error(message, { pointer });
    for (const { pointer, message } of warnings) report.warn(message, { pointer });
    if (errors.length === 0) report.ok(`"${path}" follows the specification`);
    return { spec, findings: report.findings };
  } catch (error) {
    report.thrown(error);
    return report.findings[0]!;
  }
}

/** The root file system; undefined when it is not there, which is a finding. */
export function rootfsForCheck(spec: Spec, bundle: string): { rootfs: string | undefined; findings: Finding[] } {
  const report = new Report("config.json");
  if (spec.root === undefined) return { rootfs: undefined, findings: [] };
  try {
    return { rootfs: findRootfs(spec, bundle), findings: [] };
  } catch (error) {
    report.thrown(error, { pointer: "/root/path" });
    return { rootfs: undefined, findings: report.findings };
  }
}
