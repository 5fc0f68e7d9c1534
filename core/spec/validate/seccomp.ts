/** Rules of `linux.seccomp`, runtime-spec config-linux.md, "Seccomp"; the words are runc's where it refuses too. */

import { at, type Findings } from "../problem.ts";
import type { Seccomp, SeccompArg, SeccompSyscall } from "../types.ts";
import { quote } from "./text.ts";

/** What a profile may say; `features` prints them. */
export const ACTIONS = prefixed("SCMP_ACT_", "KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY");

export const OPERATORS = prefixed("SCMP_CMP_", "NE LT LE EQ GE GT MASKED_EQ");

export const ARCHITECTURES = prefixed(
  "SCMP_ARCH_",
  "X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC " +
    "PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB",
);

export const FLAGS = prefixed("SECCOMP_FILTER_FLAG_", "TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV");

const POINTER = "/linux/seccomp";

function prefixed(prefix: string, names: string): ReadonlySet<string> {
  return new Set(names.split(" ").map((name) => prefix + name));
}

/** The whole profile. */
export function checkSeccomp(seccomp: Seccomp, found: Findings): void {
  const { architectures = [], flags = [], syscalls = [] } = seccomp;
  const defaults = { action: at(POINTER, "defaultAction"), errno: at(POINTER, "defaultErrnoRet") };
  checkAction(seccomp.defaultAction ?? "", seccomp.defaultErrnoRet, defaults, found);
  architectures.forEach((name, index) => {
    const reason = `string ${quote(name)} is not a valid arch for seccomp`;
    if (!ARCHITECTURES.has(name)) found.error(at(POINTER, "architectures", index), reason);
  });
  flags.forEach((name, index) => {
    const reason = `string ${quote(name)} is not a valid flag for seccomp`;
    if (!FLAGS.has(name)) found.error(at(POINTER, "flags", index), reason);
  });
  syscalls.forEach((rule, index) => checkRule(rule, at(POINTER, "syscalls", index), found));
  checkNotify(seccomp, found);
}

function checkRule(rule: SeccompSyscall, pointer: string, found: Findings): void {
  if (rule.names.length === 0) found.error(at(pointer, "names"), "must contain at least one entry");
  rule.names.forEach((name, index) => {
    if (name === "") found.error(at(pointer, "names", index), "empty string is not a valid syscall");
  });
  checkAction(rule.action, rule.errnoRet, { action: at(pointer, "action"), errno: at(pointer, "errnoRet") }, found);
  (rule.args ?? []).forEach((arg, index) => checkArg(arg, at(pointer, "args", index), found));
}

function checkArg({ index, op }: SeccompArg, pointer: string, found: Findings): void {
  if (index > 5) found.error(at(pointer, "index"), "must be from 0 to 5");
  if (!OPERATORS.has(op)) found.error(at(pointer, "op"), `string ${quote(op)} is not a valid operator for seccomp`);
}

interface ActionPointers {
  readonly action: string;
  readonly errno: string;
}

function checkAction(action: string, errno: number | undefined, pointers: ActionPointers, found: Findings): void {
  if (!ACTIONS.has(action)) {
    found.error(pointers.action, `string ${quote(action)} is not a valid action for seccomp`);
  } else if (errno !== undefined && action !== "SCMP_ACT_ERRNO" && action !== "SCMP_ACT_TRACE") {
    found.error(pointers.errno, `${action} does not take an errno`);
  }
}

function checkNotify(seccomp: Seccomp, found: Findings): void {
  const { defaultAction, listenerPath, listenerMetadata, syscalls = [] } = seccomp;
  const notifying = syscalls.flatMap((rule, index) => rule.action === "SCMP_ACT_NOTIFY" ? [{ rule, index }] : []);
  if (defaultAction === "SCMP_ACT_NOTIFY") {
    found.error(at(POINTER, "defaultAction"), "SCMP_ACT_NOTIFY cannot be used as default action");
  }
  for (const { rule, index } of notifying) {
    // init tells the host about the listener with it, so it would wait for an answer to its own question
    if (rule.names.includes("write")) {
      const text = "SCMP_ACT_NOTIFY cannot be used for the write syscall";
      found.error(at(POINTER, "syscalls", index, "names"), text);
    }
  }
  if (notifying.length > 0 && !listenerPath) {
    found.error(at(POINTER, "listenerPath"), "must be set when SCMP_ACT_NOTIFY is used");
  }
  if (listenerMetadata && !listenerPath) {
    found.error(at(POINTER, "listenerMetadata"), "must not be set without listenerPath");
  }
}
