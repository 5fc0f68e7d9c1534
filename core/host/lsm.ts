/** Security modules of the kernel: which are on, and whether a process asks for one that is not. */

import { RunoError } from "../error.ts";
import type { Process } from "../spec/types.ts";

/** True when AppArmor is on. */
export function hasAppArmor(): boolean {
  try {
    return Deno.readTextFileSync("/sys/module/apparmor/parameters/enabled").startsWith("Y");
  } catch {
    return false;
  }
}

/** True when SELinux is on, enforcing or not. */
export function hasSELinux(): boolean {
  try {
    return Deno.statSync("/sys/fs/selinux/enforce").isFile;
  } catch {
    return false;
  }
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
