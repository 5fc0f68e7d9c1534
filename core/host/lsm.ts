/** Security modules of the kernel: which are on, and whether a process asks for one that is not. */

import { RunoError } from "../error.ts";
import type { Process } from "../spec/types.ts";
import type { StateFile } from "./state_file.ts";

/** True when AppArmor is on. */
export function hasAppArmor(): boolean {
  try {
    return Deno.readTextFileSync("/sys/module/apparmor/parameters/enabled").startsWith("Y");
  } catch {
    return false;
  }
}

/** True when SELinux is on, enforcing or not. Without a policy everything has the label "kernel", and nobody looks at others. */
export function hasSELinux(): boolean {
  try {
    const own = Deno.readTextFileSync("/proc/self/attr/current");
    return Deno.statSync("/sys/fs/selinux/enforce").isFile && !/^kernel\0?$/.test(own);
  } catch {
    return false;
  }
}

/** The process with the container's own labels where it names none, as runc has it: less confined it would be by oversight. */
export function withLabels(process: Process, { process_label, apparmor_profile }: StateFile["config"]): Process {
  const selinuxLabel = process.selinuxLabel || process_label, profile = process.apparmorProfile || apparmor_profile;
  return {
    ...process,
    ...selinuxLabel ? { selinuxLabel } : {},
    ...profile ? { apparmorProfile: profile } : {},
  };
}

/**
 * Refuses a process with a label that nobody would look at: it would be less confined than its config says.
 * @throws {RunoError} `unsupported`, in runc's words
 */
export function checkLabels({ selinuxLabel }: Process): void {
  if (!selinuxLabel || hasSELinux()) return;
  throw new RunoError("selinux label is specified in config, but selinux is disabled or not supported", {
    kind: "unsupported",
    pointer: "/process/selinuxLabel",
  });
}
