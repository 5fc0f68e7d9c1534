/**
 * Labels of security modules for the process that is executed next. The kernel takes them through procfs, and an image may
 * bring what only looks like one (CVE-2019-16884, CVE-2025-52881): they go through a procfs of runo's own.
 */

import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Process } from "../spec/types.ts";
import { expectWord, procfsType } from "./checks.ts";
import type { CreateInputs } from "./inputs.ts";
import { sessionKeyring } from "./kernel.ts";
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

/** A session keyring with the process' label: it would else be the label's of whoever calls runo. */
export function labelledKeyring(
  p: Program,
  proc: Reg | undefined,
  label: string | undefined,
  inputs: Pick<CreateInputs, "id" | "noNewKeyring">,
): void {
  // leave to label keys is needed only where there are keys
  if (proc === undefined || !label || inputs.noNewKeyring) return sessionKeyring(p, inputs);
  const set = (value: string) => {
    const what = value === "" ? "taking back the SELinux label" : `setting SELinux label "${value}"`;
    p.step(`${what} of keys through \`/proc/self/attr/keycreate\``, {
      pointer: "/process/selinuxLabel",
      hints: SELINUX_HINTS,
    });
    p.writeFile(proc, "self/attr/keycreate", value, { sameMount: true });
  };
  set(label);
  sessionKeyring(p, inputs);
  set("");
}

/** Those whose files have labels of the policy's own, and the one whose only directory is labelled once it is mounted. */
const WITHOUT_CONTEXT = new Set(["proc", "sysfs", "mqueue"]);

/** What mountLabel adds to the options of a file system. */
export function mountContext(type: string, label: string | undefined): (readonly [key: string, value: string])[] {
  return !label || WITHOUT_CONTEXT.has(type) ? [] : [["context", label]];
}

/** Gives all files of a file system that is being made the label. */
export function labelFileSystem(p: Program, context: Reg, type: string, label: string | undefined): void {
  for (const [key, value] of mountContext(type, label)) {
    const before = p.currentStep;
    p.step(`${before.phrase} with the label "${value}"`, { pointer: "/linux/mountLabel", hints: SELINUX_HINTS });
    p.fsconfigString(context, key, value);
    p.resume(before);
  }
}

/**
 * Gives the directory of an mqueue the label. It takes no context: it is the IPC namespace's, which may have it mounted
 * elsewhere, and the kernel allows it to no user namespace. What has no labels there keeps none, as without SELinux.
 */
export function labelQueues(p: Program, mount: Reg, label: string): void {
  const before = p.currentStep;
  p.step(`${before.phrase} with the label "${label}"`, { pointer: "/linux/mountLabel", hints: SELINUX_HINTS });
  const directory = p.openat2(mount, ".", { directory: true, read: true, resolve: "host" });
  const length = new TextEncoder().encode(label).length;
  p.emit("fsetxattr", [directory, "security.selinux", label, length, 0], { ignore: "EOPNOTSUPP" });
  p.close(directory);
  p.resume(before);
}
