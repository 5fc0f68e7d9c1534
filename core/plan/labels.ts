/**
 * Labels of security modules for the process that is executed next. The kernel takes them through procfs, and an image may
 * bring what only looks like one (CVE-2019-16884, CVE-2025-52881): they go through a procfs of runo's own.
 */

import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Process } from "../spec/types.ts";
import { expectWord, procfsType } from "./checks.ts";
import { privateProc } from "./rootfs.ts";

/** Whether the process has a label of its own. */
export function isLabelled({ apparmorProfile, selinuxLabel }: Process): boolean {
  return Boolean(apparmorProfile || selinuxLabel);
}

/** A procfs for a process that has joined a container; where the kernel refuses a new one, the container's, looked at. */
export function joinedProc(p: Program): Reg {
  return privateProc(p, (proc) => {
    p.step("looking at the container's /proc", { sentences: { EBADF: '"/proc" of the container is not on procfs' } });
    expectWord(p, procfsType(p, proc));
  });
}

/** Has the kernel change to the process' profile and label at the next execve. */
export function labelExecution(p: Program, proc: Reg, { apparmorProfile, selinuxLabel }: Process): void {
  if (apparmorProfile) appArmor(p, proc, apparmorProfile);
  if (selinuxLabel) {
    // podman looks for the path, in these quotes
    p.step(`setting SELinux label "${selinuxLabel}" through \`/proc/self/attr/exec\``, {
      pointer: "/process/selinuxLabel",
      hints: SELINUX_HINTS,
    });
    p.writeFile(proc, "self/attr/exec", selinuxLabel, { sameMount: true });
  }
}

const SELINUX_HINTS = {
  EINVAL: "the policy does not know the label",
  EACCES: "the policy does not allow runo to give it",
} as const;

function appArmor(p: Program, proc: Reg, profile: string): void {
  p.step(`applying AppArmor profile "${profile}" through \`/proc/self/attr/exec\``, {
    pointer: "/process/apparmorProfile",
    hints: {
      EINVAL: "AppArmor is off",
      ENOENT: "the profile is not loaded",
      EACCES: "the profile that runo itself has does not allow it",
    },
  });
  const older = p.label("before Linux 5.8"), opened = p.label("have attr");
  const file = p.openat2(proc, "self/attr/apparmor/exec", { write: true, sameMount: true }, {
    on: "ENOENT",
    to: older,
  });
  p.jump(opened);
  p.place(older);
  p.openat2Into(file, proc, "self/attr/exec", { write: true, sameMount: true });
  p.place(opened);
  p.write(file, `exec ${profile}`);
  p.close(file);
}

/** Gives the keys that `make` makes the process' label: the keyring would else be the label's of whoever calls runo. */
export function labelKeys(p: Program, proc: Reg | undefined, label: string | undefined, make: () => void): void {
  if (proc === undefined || !label) return make();
  const set = (value: string) => {
    const what = value === "" ? "taking back the SELinux label" : `setting SELinux label "${value}"`;
    p.step(`${what} of keys through \`/proc/self/attr/keycreate\``, {
      pointer: "/process/selinuxLabel",
      hints: SELINUX_HINTS,
    });
    p.writeFile(proc, "self/attr/keycreate", value, { sameMount: true });
  };
  set(label);
  make();
  set("");
}

/** What mountLabel adds to the options of a file system: those of procfs and sysfs have labels of the policy's own. */
export function mountContext(type: string, label: string | undefined): (readonly [key: string, value: string])[] {
  return !label || type === "proc" || type === "sysfs" ? [] : [["context", label]];
}
