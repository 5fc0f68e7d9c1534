/**
 * The head of a seccomp filter that answers ENOSYS to system calls that are newer than the newest that the profile names.
 * A profile cannot name what its author had never heard of, and programs fall back to older calls on ENOSYS, not on EPERM.
 * Behaviour: runc since 1.0.0-rc93.
 */

import { ERRNO, SECCOMP_RET_ERRNO } from "../../ffi/abi.ts";
import { SCMP_ARCH } from "../../ffi/libseccomp.ts";
import { SOCK_FILTER } from "../../ffi/structs.ts";

/** The largest system call number that a profile names, by architecture (SCMP_ARCH). */
export type NewestSyscalls = ReadonlyMap<number, number>;

/** BPF: load a word of struct seccomp_data, jump, return. linux/bpf_common.h */
const LD_W_ABS = 0x20, JA = 0x05, JEQ = 0x15, JGT = 0x25, JSET = 0x45, RET = 0x06;
/** Offsets in struct seccomp_data. */
const NUMBER = 0, ARCH = 4;
/** __X32_SYSCALL_BIT: numbers of x32 carry it, their AUDIT_ARCH is that of x86_64. */
const X32_BIT = 0x40000000;

/** One instruction; a jump names where it goes. */
interface Jump {
  readonly code: number;
  readonly k?: number;
  readonly yes?: Target;
  readonly no?: Target;
}

/** A label, or "next". */
type Target = string;

/** The instructions, to be put in front of the filter. They end where the filter begins. */
export function enosysHead(newest: NewestSyscalls): Uint8Array<ArrayBuffer> {
  if (newest.size === 0) return new Uint8Array();
  const lines: (Jump | string)[] = [{ code: LD_W_ABS, k: ARCH }];
  for (const [arch, { own, x32 }] of byAuditArch(newest)) {
    const name = arch.toString(16);
    lines.push({ code: JEQ, k: arch, yes: "next", no: `after ${name}` }, { code: LD_W_ABS, k: NUMBER });
    if (arch === SCMP_ARCH.SCMP_ARCH_X86_64) lines.push({ code: JSET, k: X32_BIT, yes: `x32 ${name}`, no: "next" });
    lines.push(...newerThan(own));
    if (arch === SCMP_ARCH.SCMP_ARCH_X86_64) lines.push(`x32 ${name}`, ...newerThan(x32));
    lines.push(`after ${name}`);
  }
  lines.push({ code: JA, yes: "filter" }, "enosys", { code: RET, k: SECCOMP_RET_ERRNO | ERRNO.ENOSYS }, "filter");
  return assembled(lines);
}

/** Decides about a number; one of an architecture that the profile has nothing on is the filter's business. */
function newerThan(newest: number | undefined): Jump[] {
  return newest === undefined ? [{ code: JA, yes: "filter" }] : [{ code: JGT, k: newest, yes: "enosys", no: "filter" }];
}

/** What the kernel calls the architecture of a call, and the newest of each that goes by that name. */
function byAuditArch(newest: NewestSyscalls): Map<number, { own?: number; x32?: number }> {
  const found = new Map<number, { own?: number; x32?: number }>();
  for (const [arch, number] of newest) {
    const isX32 = arch === SCMP_ARCH.SCMP_ARCH_X32;
    const audit = isX32 ? SCMP_ARCH.SCMP_ARCH_X86_64 : arch;
    found.set(audit, { ...found.get(audit), ...isX32 ? { x32: number } : { own: number } });
  }
  return found;
}

/** Bytes of the instructions, with jumps as distances; labels stand in front of what they name. */
function assembled(lines: readonly (Jump | string)[]): Uint8Array<ArrayBuffer> {
  const places = new Map<string, number>();
  let count = 0;
  for (const line of lines) {
    if (typeof line === "string") places.set(line, count);
    else count++;
  }
  const bytes = new Uint8Array(new ArrayBuffer(count * SOCK_FILTER.size));
  let at = 0;
  for (const line of lines) {
    if (typeof line === "string") continue;
    const distance = (to: Target = "next") => to === "next" ? 0 : places.get(to)! - at - 1;
    const { code, k = 0, yes, no } = line;
    const jumps = code === JA ? { k: distance(yes) } : { k, jt: distance(yes), jf: distance(no) };
    SOCK_FILTER.packInto(bytes, at++ * SOCK_FILTER.size, { code, ...jumps });
  }
  return bytes;
}
