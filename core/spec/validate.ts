/** Every rule of runtime-spec 1.3 that a config can break by itself, without a look at the host. */

import { assertNoErrors, Findings, type Problem, type Report } from "./problem.ts";
import type { Spec } from "./types.ts";
import { checkDevices, checkNetDevices } from "./validate/devices.ts";
import { checkHooks } from "./validate/hooks.ts";
import { checkLinux } from "./validate/linux.ts";
import { checkMounts } from "./validate/mounts.ts";
import { checkNamespaces } from "./validate/namespaces.ts";
import { checkProcess } from "./validate/process.ts";
import { checkResources } from "./validate/resources.ts";
import { checkSeccomp } from "./validate/seccomp.ts";
import { checkSysctl } from "./validate/sysctl.ts";
import { checkNullBytes, checkVersion } from "./validate/text.ts";

/**
 * All broken rules of a config at once. An empty `errors` means that it can be tried on a host; whether that host has
 * what it asks for (namespaces of the kernel, paths, devices, SELinux, RDT) is for the host side to see.
 */
export function validateSpec(spec: Spec): Report {
  const found = new Findings();
  checkVersion(spec.ociVersion, found);
  checkNullBytes(spec, "", found);
  if (spec.process === undefined) found.error("/process", "process property must not be empty");
  else checkProcess(spec.process, "/process", found);
  if (spec.root === undefined) found.error("/root", "root must be specified");
  else if (spec.root.path === "") found.error("/root/path", "must not be empty");
  checkMounts(spec, found);
  checkHooks(spec.hooks ?? {}, found);
  checkNamespaces(spec, found);
  if (spec.linux !== undefined) {
    checkLinux(spec.linux, found);
    checkDevices(spec.linux.devices ?? [], found);
    checkNetDevices(spec.linux, found);
    checkSysctl(spec.linux, found);
    checkResources(spec.linux.resources ?? {}, "/linux/resources", found);
    if (spec.linux.seccomp !== undefined) checkSeccomp(spec.linux.seccomp, found);
  }
  return found;
}

/**
 * Refuse a config that breaks a rule.
 *
 * @param path how the file is called in the error
 * @returns the warnings, for the log
 * @throws {RunoError} of kind "invalid" that names every problem in one line
 */
export function assertValid(spec: Spec, path: string): readonly Problem[] {
  return assertNoErrors(validateSpec(spec), path);
}
