/** Seccomp profiles as runc compiles them and as runo does: the same verdict on every system call. */

import { assertEquals } from "@std/assert";

import { compileSeccomp } from "../../core/host/seccomp.ts";
import type { Seccomp } from "../../core/spec/types.ts";
import { SCMP_ARCH } from "../../ffi/libseccomp.ts";
import { verdict } from "../unit/core/host/bpf.ts";
import { runcFilter } from "./runc/filter.ts";

const { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64 } = SCMP_ARCH;
const UNKNOWN_ARCH = 5;

function obstacle(): string | undefined {
  if (Deno.uid() !== 0) return "it needs root";
  if (Deno.build.arch !== "x86_64") return "the profiles are about x86_64";
  const missing = ["runc", "strace", "pgrep"].find((name) =>
    !new Deno.Command("sh", { args: ["-c", `command -v ${name}`], stdout: "null" }).outputSync().success
  );
  return missing === undefined ? undefined : `it needs ${missing}`;
}

const allow = (...names: readonly string[]) => ({ names, action: "SCMP_ACT_ALLOW" as const });
const when = (name: string, ...args: readonly (readonly [number, string, number, number?])[]) => ({
  ...allow(name),
  args: args.map(([index, op, value, valueTwo = 0]) => ({
    index,
    value,
    valueTwo,
    op: `SCMP_CMP_${op}` as "SCMP_CMP_EQ",
  })),
});
const X86_64 = ["SCMP_ARCH_X86_64"] as const, ALL = [...X86_64, "SCMP_ARCH_X86", "SCMP_ARCH_X32"] as const;

/** Every kind of rule, on one architecture and on several. */
const PROFILES: Readonly<Record<string, Seccomp>> = {
  "one architecture": {
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: X86_64,
    syscalls: [allow("read", "write", "openat2", "socket", "no_such_call")],
  },
  "architectures that share a number": {
    defaultAction: "SCMP_ACT_KILL",
    architectures: ALL,
    syscalls: [allow("read", "futex", "mmap2", "socketcall", "ipc", "clone3"), when("personality", [0, "EQ", 8])],
  },
  "another machine's architecture": {
    defaultAction: "SCMP_ACT_TRAP",
    architectures: [...X86_64, "SCMP_ARCH_AARCH64"],
    syscalls: [allow("read", "openat", "fchmodat")],
  },
  "actions": {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ALL,
    syscalls: [
      { names: ["mkdir", "chmod"], action: "SCMP_ACT_ERRNO" },
      { names: ["getcwd"], action: "SCMP_ACT_ERRNO", errnoRet: 7 },
      { names: ["acct"], action: "SCMP_ACT_KILL_PROCESS" },
      { names: ["swapon"], action: "SCMP_ACT_LOG" },
      { names: ["swapoff"], action: "SCMP_ACT_TRACE", errnoRet: 4 },
      { names: ["reboot"], action: "SCMP_ACT_TRACE" },
      { names: ["nfsservctl"], action: "SCMP_ACT_TRAP" },
      allow("read"),
    ],
  },
  "conditions": {
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: [...X86_64, "SCMP_ARCH_X86"],
    syscalls: [
      when("personality", [0, "EQ", 8]),
      when("clone", [0, "MASKED_EQ", 0x7e020000]),
      when("socket", [0, "NE", 40]),
      when("setuid", [0, "LT", 8]),
      when("setgid", [0, "LE", 8]),
      when("kill", [0, "GE", 8], [1, "EQ", 3]),
      when("ioctl", [0, "GT", 2 ** 40]),
      when("fcntl", [0, "EQ", 8], [0, "EQ", 0], [1, "EQ", 3]),
    ],
  },
  "a default of its own": {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: X86_64,
    syscalls: [allow("write")],
  },
  "a default that allows": { defaultAction: "SCMP_ACT_LOG", architectures: X86_64, syscalls: [allow("read")] },
  "rules that repeat and contradict": {
    defaultAction: "SCMP_ACT_ERRNO",
    architectures: X86_64,
    syscalls: [allow("write", "write"), { names: ["write"], action: "SCMP_ACT_LOG" }],
  },
};

const ARGUMENTS = [[], [8n], [0xffffffffn], [2n ** 41n], [8n, 3n], [0n, 3n], [
  0x10000000n,
  1n,
  2n,
  3n,
  4n,
  5n,
]] as const;

/** What becomes of all system calls of all architectures, of x32 and of numbers that nobody has. */
function verdicts(program: Uint8Array): string[] {
  const numbers = [0, 0x40000000, 0xffffff00].flatMap((first) =>
    Array.from({ length: 600 }, (_, i) => (first + i) >>> 0)
  );
  return [SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64, UNKNOWN_ARCH].flatMap((arch) =>
    numbers.flatMap((nr) =>
      ARGUMENTS.map((args) => `${arch} ${nr} (${args}): 0x${verdict(program, { nr, arch, args }).toString(16)}`)
    )
  );
}

const reason = obstacle();
for (const [name, profile] of Object.entries(PROFILES)) {
  Deno.test({
    name: `compileSeccomp() filters as runc: ${name}${reason === undefined ? "" : ` (skipped: ${reason})`}`,
    ignore: reason !== undefined,
    fn: async () => {
      const theirs = verdicts(await runcFilter(profile)), ours = verdicts(compileSeccomp(profile)!.program);
      assertEquals(ours.filter((line, i) => line !== theirs[i]), []);
    },
  });
}
