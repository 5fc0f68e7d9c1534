/** A seccomp profile of config.json, compiled to the BPF program that the kernel takes. */

import * as abi from "../../ffi/abi.ts";
import { call, tryCall } from "../../ffi/call.ts";
import { memoryFile } from "../../ffi/file.ts";
import {
  type Comparison,
  FilterBuilder,
  LibseccompError,
  resolveSyscall,
  SCMP_ARCH,
  SCMP_CMP,
} from "../../ffi/libseccomp.ts";
import { allocate } from "../../ffi/memory.ts";
import { SOCK_FILTER } from "../../ffi/structs.ts";
import { RunoError } from "../error.ts";
import type { SeccompFilter } from "../plan/seccomp.ts";
import type { Seccomp, SeccompAction, SeccompArch, SeccompArg, SeccompFlag, SeccompSyscall } from "../spec/types.ts";
import { enosysHead } from "./enosys.ts";
import { FLAG_BITS, isFlagSupported } from "./seccomp_flags.ts";

/** SECCOMP_RET_* of each action; ERRNO and TRACE carry a number. */
const ACTIONS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: abi.SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: abi.SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: abi.SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_TRAP: abi.SECCOMP_RET_TRAP,
  SCMP_ACT_ERRNO: abi.SECCOMP_RET_ERRNO,
  SCMP_ACT_TRACE: abi.SECCOMP_RET_TRACE,
  SCMP_ACT_ALLOW: abi.SECCOMP_RET_ALLOW,
  SCMP_ACT_LOG: abi.SECCOMP_RET_LOG,
  SCMP_ACT_NOTIFY: abi.SECCOMP_RET_USER_NOTIF,
};

/** From so many rules on a binary tree of checks is worth its making; runc's number. */
const MANY_RULES = 32;
const NATIVE = Deno.build.arch === "aarch64" ? SCMP_ARCH.SCMP_ARCH_AARCH64 : SCMP_ARCH.SCMP_ARCH_X86_64;

/**
 * Compiles the profile of a config.
 * @param debug is told the flags, in runc's words
 * @returns undefined when there is none
 * @throws {RunoError} `unsupported` when the machine has no libseccomp or the kernel lacks what is asked for
 */
export function compileSeccomp(
  profile: Seccomp | undefined,
  debug?: (message: string) => void,
): SeccompFilter | undefined {
  if (profile === undefined) return undefined;
  const rules = rulesOf(profile);
  const notifies = rules.some(({ action }) => action === abi.SECCOMP_RET_USER_NOTIF);
  try {
    checkActions(profile);
    const flags = flagsOf(profile.flags, notifies);
    debug?.(`seccomp filter flags: ${flags | (notifies ? abi.SECCOMP_FILTER_FLAG_NEW_LISTENER : 0)}`);
    const program = compile(profile, rules);
    const length = program.length / SOCK_FILTER.size;
    if (length > abi.BPF_MAXINSNS) {
      throw new RunoError(`filter of ${length} instructions is longer than ${abi.BPF_MAXINSNS}`, {
        kind: "unsupported",
      });
    }
    return { program, flags, notifies };
  } catch (error) {
    throw new RunoError("unable to init seccomp", { cause: error, pointer: "/linux/seccomp" });
  }
}

/** Actions that came after the oldest kernel that runo runs on need no check; NOTIFY may be compiled out. */
function checkActions({ defaultAction, syscalls = [] }: Seccomp): void {
  for (const name of new Set([defaultAction, ...syscalls.map(({ action }) => action)])) {
    const action = new Uint8Array(Uint32Array.of(ACTIONS[name]).buffer);
    if (typeof tryCall("seccomp", abi.SECCOMP_GET_ACTION_AVAIL, 0, action) === "number") continue;
    throw new RunoError(`seccomp action "${name}" is not supported by this kernel`, { kind: "unsupported" });
  }
}

/** Flags for seccomp(2). The default is what runc takes since 1.2; TSYNC is about the other threads, which init has not. */
function flagsOf(names: readonly SeccompFlag[] | undefined, notifies: boolean): number {
  const asked = names ?? (["SECCOMP_FILTER_FLAG_SPEC_ALLOW"] as const).filter(isFlagSupported);
  for (const name of asked) {
    if (isFlagSupported(name)) continue;
    throw new RunoError(`seccomp flag "${name}" is not supported by this kernel`, { kind: "unsupported" });
  }
  const without = abi.SECCOMP_FILTER_FLAG_TSYNC | (notifies ? 0 : abi.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  return asked.reduce((flags, name) => flags | FLAG_BITS[name], 0) & ~without;
}

/** A rule about one system call. */
interface Rule {
  readonly name: string;
  readonly action: number;
  readonly args: readonly SeccompArg[];
}

/** The rules one by one, without those that say what would happen anyway. */
function rulesOf({ defaultAction, defaultErrnoRet, syscalls = [] }: Seccomp): Rule[] {
  const byDefault = actionOf(defaultAction, defaultErrnoRet);
  return syscalls.flatMap(({ names, action, errnoRet, args = [] }: SeccompSyscall) => {
    const value = actionOf(action, errnoRet);
    return value === byDefault ? [] : names.map((name) => ({ name, action: value, args }));
  });
}

function actionOf(action: SeccompAction, errno: number = abi.ERRNO.EPERM): number {
  const carriesErrno = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return carriesErrno ? ACTIONS[action] | (errno & 0xffff) : ACTIONS[action];
}

function compile(profile: Seccomp, rules: readonly Rule[]): Uint8Array<ArrayBuffer> {
  using filter = openFilter(actionOf(profile.defaultAction, profile.defaultErrnoRet));
  for (const name of profile.architectures ?? []) addArchitecture(filter, name);
  if (rules.length > MANY_RULES) filter.optimize();
  for (const rule of rules) addRule(filter, rule);
  using file = memoryFile("seccomp");
  filter.exportTo(file);
  return joined(enosysHead(newestSyscalls(profile)), contentOf(file.number));
}

function openFilter(defaultAction: number): FilterBuilder {
  try {
    return new FilterBuilder(defaultAction);
  } catch (error) {
    if (error instanceof LibseccompError) throw new RunoError("error creating filter", { cause: error });
    throw new RunoError("opening libseccomp.so.2", {
      kind: "unsupported",
      cause: error,
      hint: "a seccomp profile needs the package libseccomp2",
    });
  }
}

function addArchitecture(filter: FilterBuilder, name: SeccompArch): void {
  try {
    filter.addArchitecture(SCMP_ARCH[name]);
  } catch (error) {
    throw new RunoError(`error adding architecture "${name}" to seccomp filter`, { cause: error });
  }
}

function addRule(filter: FilterBuilder, { name, action, args }: Rule): void {
  const number = resolveSyscall(NATIVE, name);
  // a name from another kernel or architecture: there is nothing to filter
  if (number === undefined) return;
  const comparisons = args.map(comparison);
  const several = new Set(args.map(({ index }) => index)).size < args.length;
  try {
    // conditions on one argument cannot be joined: each becomes a rule of its own, any of them is enough
    for (const conditions of several ? comparisons.map((one) => [one]) : [comparisons]) {
      filter.addRule(action, number, conditions);
    }
  } catch (error) {
    throw new RunoError(`error adding seccomp rule for syscall ${name}`, { cause: error });
  }
}

function comparison({ index, value, valueTwo = 0, op }: SeccompArg): Comparison {
  return { arg: index, op: SCMP_CMP[op], datum_a: BigInt(value), datum_b: BigInt(valueTwo) };
}

/** What the head of the filter must know: nothing where new system calls are allowed, or answered ENOSYS anyway. */
function newestSyscalls(profile: Seccomp): Map<number, number> {
  const { defaultAction, defaultErrnoRet, architectures = [], syscalls = [] } = profile;
  const allows = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(defaultAction);
  const newest = new Map<number, number>();
  if (allows || defaultErrnoRet === abi.ERRNO.ENOSYS) return newest;
  const names = new Set(syscalls.flatMap(({ names }) => names));
  for (const arch of new Set([NATIVE, ...architectures.map((name) => SCMP_ARCH[name])])) {
    let largest = 0;
    for (const name of names) largest = Math.max(largest, resolveSyscall(arch, name) ?? 0);
    if (largest > 0) newest.set(arch, largest);
  }
  return newest;
}

function contentOf(fd: number): Uint8Array<ArrayBuffer> {
  const END = 2, START = 0;
  const bytes = allocate(call("lseek", fd, 0, END));
  call("lseek", fd, 0, START);
  call("read", fd, bytes, bytes.length);
  return bytes;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(one.length + other.length));
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}
