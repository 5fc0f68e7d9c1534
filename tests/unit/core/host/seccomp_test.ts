import { assertEquals, assertMatch, assertThrows } from "@std/assert";

import { RunoError } from "../../../../core/error.ts";
import { compileSeccomp } from "../../../../core/host/seccomp.ts";
import { isFlagSupported } from "../../../../core/host/seccomp_flags.ts";
import type { Seccomp, SeccompFlag } from "../../../../core/spec/types.ts";
import { libseccompVersion, resolveSyscall, SCMP_ARCH } from "../../../../ffi/libseccomp.ts";
import { verdict } from "./bpf.ts";

const X86_64 = SCMP_ARCH.SCMP_ARCH_X86_64, X86 = SCMP_ARCH.SCMP_ARCH_X86;
const ALLOW = 0x7fff0000, EPERM = 0x50001, ENOSYS = 0x50026, KILL_THREAD = 0, KILL_PROCESS = 0x80000000;
const LOG = 0x7ffc0000, TRACE = 0x7ff00000, TRAP = 0x30000, NOTIFY = 0x7fc00000;

const obstacle = libseccompVersion() === undefined
  ? "no libseccomp.so.2 (apt-get install libseccomp2)"
  : Deno.build.arch === "x86_64"
  ? undefined
  : "numbers are those of x86_64";

function seccompTest(name: string, run: () => void): void {
  Deno.test({
    name: obstacle === undefined ? name : `${name} (skipped: ${obstacle})`,
    ignore: obstacle !== undefined,
    fn: run,
  });
}

function profile(changes: Partial<Seccomp>): Seccomp {
  return { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"], ...changes };
}

/** What becomes of calls by name, with arguments. */
function verdicts(
  seccomp: Seccomp,
  calls: readonly (readonly [name: string, ...args: bigint[]])[],
  arch: number = X86_64,
) {
  const { program } = compileSeccomp(seccomp)!;
  return calls.map(([name, ...args]) => verdict(program, { nr: resolveSyscall(arch, name)!, arch, args }));
}

seccompTest("compileSeccomp() is nothing without a profile", () => {
  assertEquals(compileSeccomp(undefined), undefined);
});

seccompTest("compileSeccomp() knows every action, and its number", () => {
  const rule = (name: string, action: string, errnoRet?: number) => ({
    ...{ names: [name], action: `SCMP_ACT_${action}` },
    ...errnoRet === undefined ? {} : { errnoRet },
  });
  const syscalls = [
    rule("read", "ERRNO"),
    rule("write", "ERRNO", 99),
    rule("open", "KILL"),
    rule("close", "KILL_THREAD"),
    rule("stat", "KILL_PROCESS"),
    rule("fstat", "TRAP"),
    rule("lstat", "TRACE"),
    rule("poll", "TRACE", 7),
    rule("lseek", "LOG"),
    rule("mmap", "NOTIFY"),
  ] as Seccomp["syscalls"];
  const names = ["read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap", "munmap"];
  const expected = [
    ...[EPERM, 0x50063, KILL_THREAD, KILL_THREAD, KILL_PROCESS, TRAP],
    ...[TRACE | 1, TRACE | 7, LOG, NOTIFY, ALLOW],
  ];
  const seccomp = profile({ defaultAction: "SCMP_ACT_ALLOW", syscalls: syscalls! });
  assertEquals(verdicts(seccomp, names.map((name) => [name] as const)), expected);
  assertEquals(compileSeccomp(seccomp)?.notifies, true);
});

seccompTest("compileSeccomp() compares arguments in every way", () => {
  const allowed = (op: string, value: number | string, valueTwo: number, ...args: bigint[]) => {
    const condition = { index: 1, value, valueTwo, op: `SCMP_CMP_${op}` };
    const syscalls = [{ names: ["kill"], action: "SCMP_ACT_ALLOW", args: [condition] }] as Seccomp["syscalls"];
    return verdicts(profile({ syscalls: syscalls! }), args.map((arg) => ["kill", 0n, arg])).map((v) => v === ALLOW);
  };
  const [less, same, more] = [4n, 5n, 6n] as const;
  assertEquals(allowed("EQ", 5, 0, less, same, more), [false, true, false]);
  assertEquals(allowed("NE", 5, 0, less, same, more), [true, false, true]);
  assertEquals(allowed("LT", 5, 0, less, same, more), [true, false, false]);
  assertEquals(allowed("LE", 5, 0, less, same, more), [true, true, false]);
  assertEquals(allowed("GT", 5, 0, less, same, more), [false, false, true]);
  assertEquals(allowed("GE", 5, 0, less, same, more), [false, true, true]);
  // the mask first, then what is left of the argument
  assertEquals(allowed("MASKED_EQ", 0xf0, 0x50, 0x5fn, 0x60n, 0x150n), [true, false, true]);
  assertEquals(allowed("EQ", "18446744073709551615", 0, 2n ** 64n - 1n, 2n ** 32n - 1n), [true, false]);
});

seccompTest("compileSeccomp() wants all conditions of a rule, and any of several on one argument", () => {
  const rule = (...args: readonly (readonly [number, number])[]) =>
    profile({
      syscalls: [{
        names: ["kill"],
        action: "SCMP_ACT_ALLOW",
        args: args.map(([index, value]) => ({ index, value, op: "SCMP_CMP_EQ" as const })),
      }],
    });
  const calls = [["kill", 1n, 9n], ["kill", 1n, 0n], ["kill", 2n, 9n], ["kill", 0n, 0n]] as const;
  assertEquals(verdicts(rule([0, 1], [1, 9]), calls), [ALLOW, EPERM, EPERM, EPERM]);
  assertEquals(verdicts(rule([0, 1], [0, 2]), calls), [ALLOW, ALLOW, ALLOW, EPERM]);
});

seccompTest("compileSeccomp() filters every architecture by its own numbers, and kills on the others", () => {
  const syscalls = [{ names: ["read", "socketcall"], action: "SCMP_ACT_ALLOW" }] as const;
  const both = profile({ architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], syscalls });
  assertEquals(verdicts(both, [["read"], ["socketcall"], ["alarm"]], X86), [ALLOW, ALLOW, EPERM]);
  assertEquals(verdicts(both, [["read"]], X86_64), [ALLOW]);
  assertEquals(verdicts(profile({ syscalls }), [["read"]], X86), [KILL_THREAD]);
});

seccompTest("compileSeccomp() answers ENOSYS to what is newer than the profile, unless that is allowed", () => {
  const syscalls = [{ names: ["read", "openat2"], action: "SCMP_ACT_ALLOW" }] as const;
  const newer = (changes: Partial<Seccomp>) => verdicts(profile({ syscalls, ...changes }), [["faccessat2"], ["write"]]);
  assertEquals(newer({}), [ENOSYS, EPERM]);
  assertEquals(newer({ defaultErrnoRet: 13 }), [ENOSYS, 0x5000d]);
  assertEquals(newer({ defaultErrnoRet: 38 }), [ENOSYS, ENOSYS]);
  assertEquals(newer({ defaultAction: "SCMP_ACT_KILL_PROCESS" }), [ENOSYS, KILL_PROCESS]);
  assertEquals(newer({ defaultAction: "SCMP_ACT_LOG" }), [LOG, LOG]);
  assertEquals(newer({ defaultAction: "SCMP_ACT_TRACE" }), [TRACE | 1, TRACE | 1]);
});

seccompTest("compileSeccomp() includes the machine's own architecture always", () => {
  const seccomp: Seccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [{ names: ["read", "openat2"], action: "SCMP_ACT_ALLOW" }],
  };
  assertEquals(verdicts(seccomp, [["read"], ["write"], ["faccessat2"]]), [ALLOW, EPERM, ENOSYS]);
});

seccompTest("compileSeccomp() passes over unknown calls and rules that say what happens anyway", () => {
  const seccomp = profile({
    syscalls: [
      { names: ["no_such_call", "read"], action: "SCMP_ACT_ALLOW" },
      { names: ["write"], action: "SCMP_ACT_ERRNO" },
      { names: ["read", "read"], action: "SCMP_ACT_ALLOW" },
    ],
  });
  assertEquals(verdicts(seccomp, [["read"], ["write"]]), [ALLOW, EPERM]);
});

seccompTest("compileSeccomp() takes profiles of many rules", () => {
  const names = [
    "read",
    "write",
    "open",
    "close",
    "stat",
    "fstat",
    "lstat",
    "poll",
    "lseek",
    "mmap",
    "mprotect",
    "munmap",
  ]
    .concat(["brk", "ioctl", "pread64", "pwrite64", "readv", "writev", "access", "pipe", "select", "sched_yield"])
    .concat(["mremap", "msync", "mincore", "madvise", "shmget", "shmat", "shmctl", "dup", "dup2", "pause", "nanosleep"])
    .concat(["getitimer", "alarm", "setitimer", "getpid", "sendfile", "socket", "connect", "accept"]);
  const seccomp = profile({ syscalls: [{ names, action: "SCMP_ACT_ALLOW" }] });
  const all = verdicts(seccomp, [...names, "rt_sigaction"].map((name) => [name] as const));
  assertEquals(all, [...names.map(() => ALLOW), EPERM]);
});

seccompTest("compileSeccomp() takes SPEC_ALLOW unless other flags are asked for, and never TSYNC", () => {
  const flags = (names?: readonly SeccompFlag[]) =>
    compileSeccomp(profile(names === undefined ? {} : { flags: names }))?.flags;
  assertEquals([flags(), flags([])], [4, 0]);
  assertEquals(flags(["SECCOMP_FILTER_FLAG_LOG"]), 2);
  assertEquals(flags(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]), 4);
});

seccompTest("compileSeccomp() takes WAIT_KILLABLE_RECV where there is a listener", () => {
  const flags: readonly SeccompFlag[] = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  if (!isFlagSupported(flags[0]!)) return void assertThrows(() => compileSeccomp(profile({ flags })), RunoError);
  const syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }] as const;
  assertEquals([compileSeccomp(profile({ flags }))?.flags, compileSeccomp(profile({ flags, syscalls }))?.flags], [
    0,
    32,
  ]);
});

seccompTest("compileSeccomp() says flags to whoever debugs, in runc's words", () => {
  const said: string[] = [];
  const syscalls = [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }] as const;
  const debug = (message: string) => said.push(message);
  compileSeccomp(profile({}), debug);
  compileSeccomp(profile({ syscalls }), debug);
  assertEquals(said, ["seccomp filter flags: 4", "seccomp filter flags: 12"]);
});

seccompTest("compileSeccomp() names what libseccomp refuses", () => {
  const refusal = (changes: Partial<Seccomp>) =>
    assertThrows(() => compileSeccomp(profile(changes)), RunoError).message;
  assertMatch(
    refusal({ architectures: ["SCMP_ARCH_S390X"] }),
    /^unable to init seccomp: error adding architecture "SCMP_ARCH_S390X" to seccomp filter: EDOM$/,
  );
  assertMatch(
    refusal({ defaultErrnoRet: 5000 }),
    /^unable to init seccomp: error creating filter: EINVAL$/,
  );
});
