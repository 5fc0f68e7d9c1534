/** libseccomp, for what it knows best: system calls by name on every architecture, and BPF programs of rules about them. */

import type { Fd } from "./fd.ts";
import { ERRNO, errnoName } from "./abi.ts";
import { cString } from "./memory.ts";
import { Layout } from "./structs.ts";

const LIBRARY = "libseccomp.so.2";

/** Few symbols, for each costs time to open; the first argument of most is what seccomp_init(3) returns. */
const SYMBOLS = {
  /** scmp_filter_ctx seccomp_init(uint32_t def_action) */
  seccomp_init: { parameters: ["u32"], result: "pointer" },
  /** void seccomp_release(scmp_filter_ctx ctx) */
  seccomp_release: { parameters: ["pointer"], result: "void" },
  /** int seccomp_arch_add(scmp_filter_ctx ctx, uint32_t arch_token) */
  seccomp_arch_add: { parameters: ["pointer", "u32"], result: "i32" },
  /** int seccomp_attr_set(scmp_filter_ctx ctx, enum scmp_filter_attr attr, uint32_t value) */
  seccomp_attr_set: { parameters: ["pointer", "u32", "u32"], result: "i32" },
  /** int seccomp_syscall_resolve_name_arch(uint32_t arch_token, const char *name) */
  seccomp_syscall_resolve_name_arch: { parameters: ["u32", "buffer"], result: "i32" },
  /** int seccomp_rule_add_array(ctx, uint32_t action, int syscall, unsigned int arg_cnt, const struct scmp_arg_cmp *) */
  seccomp_rule_add_array: { parameters: ["pointer", "u32", "i32", "u32", "buffer"], result: "i32" },
  /** int seccomp_export_bpf(scmp_filter_ctx ctx, int fd) */
  seccomp_export_bpf: { parameters: ["pointer", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const VERSION_SYMBOLS = {
  /** const struct scmp_version *seccomp_version(void) */
  seccomp_version: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Tokens of the architectures (SCMP_ARCH_*), by the names that config.json uses; of all but X32 they are AUDIT_ARCH_*. */
export const SCMP_ARCH = {
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_ARM: 0x40000028,
  SCMP_ARCH_AARCH64: 0xc00000b7,
  SCMP_ARCH_MIPS: 0x00000008,
  SCMP_ARCH_MIPS64: 0x80000008,
  SCMP_ARCH_MIPS64N32: 0xa0000008,
  SCMP_ARCH_MIPSEL: 0x40000008,
  SCMP_ARCH_MIPSEL64: 0xc0000008,
  SCMP_ARCH_MIPSEL64N32: 0xe0000008,
  SCMP_ARCH_PPC: 0x00000014,
  SCMP_ARCH_PPC64: 0x80000015,
  SCMP_ARCH_PPC64LE: 0xc0000015,
  SCMP_ARCH_RISCV64: 0xc00000f3,
  SCMP_ARCH_S390: 0x00000016,
  SCMP_ARCH_S390X: 0x80000016,
  SCMP_ARCH_PARISC: 0x0000000f,
  SCMP_ARCH_PARISC64: 0x8000000f,
  SCMP_ARCH_LOONGARCH64: 0xc0000102,
  SCMP_ARCH_M68K: 0x00000004,
  SCMP_ARCH_SH: 0x4000002a,
  SCMP_ARCH_SHEB: 0x0000002a,
} as const;

/** Comparisons of an argument (enum scmp_compare). */
export const SCMP_CMP = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
} as const;

/** struct scmp_arg_cmp. */
const ARG_CMP = new Layout({ arg: "u32", op: "u32", datum_a: "u64", datum_b: "u64" });
const VERSION = new Layout({ major: "u32", minor: "u32", micro: "u32" });

/** SCMP_FLTATR_CTL_OPTIMIZE: 2 orders the checks as a binary tree. */
const CTL_OPTIMIZE = 8, BINARY_TREE = 2;
/** __NR_SCMP_ERROR */
const UNKNOWN_SYSCALL = -1;

/** One condition on an argument; all of a rule must hold. */
export interface Comparison {
  /** Index of the argument. */
  readonly arg: number;
  /** One of `SCMP_CMP`. */
  readonly op: number;
  /** What to compare with; the mask of MASKED_EQ. */
  readonly datum_a: bigint;
  /** What MASKED_EQ compares with. */
  readonly datum_b: bigint;
}

/** A function of libseccomp that failed. */
export class LibseccompError extends Error {
  override readonly name = "LibseccompError";
  readonly errno: string;
  constructor(call: string, result: number) {
    super(`${call}: ${errnoName(-result)}`);
    this.errno = errnoName(-result);
  }
}

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
let opened: Symbols | undefined;

/** Opens the library. @throws {Error} when the machine has none */
function library(): Symbols {
  return opened ??= Deno.dlopen(LIBRARY, SYMBOLS).symbols;
}

/** The version, "2.5.4"; undefined when the machine has no libseccomp. */
export function libseccompVersion(): string | undefined {
  try {
    const { symbols } = Deno.dlopen(LIBRARY, VERSION_SYMBOLS);
    const bytes = Deno.UnsafePointerView.getArrayBuffer(symbols.seccomp_version()!, VERSION.size);
    const { major, minor, micro } = VERSION.read(new Uint8Array(bytes));
    return `${major}.${minor}.${micro}`;
  } catch {
    return undefined;
  }
}

/** The number of a system call: below -1 one that the architecture has not; undefined for one that nobody knows. */
export function resolveSyscall(arch: number, name: string): number | undefined {
  const known = resolved.get(name) ?? { text: cString(name), numbers: new Map<number, number>() };
  resolved.set(name, known);
  const number = known.numbers.get(arch) ?? library().seccomp_syscall_resolve_name_arch(arch, known.text);
  known.numbers.set(arch, number);
  return number === UNKNOWN_SYSCALL ? undefined : number;
}

/** What has been asked before: a profile is gone through several times, and each question is a call out of JavaScript. */
const resolved = new Map<string, { readonly text: Uint8Array<ArrayBuffer>; readonly numbers: Map<number, number> }>();

/** A filter that is being put together. */
export class FilterBuilder implements Disposable {
  readonly #library: Symbols = library();
  readonly #context: Deno.PointerValue;

  /**
   * @param defaultAction SECCOMP_RET_* with its data
   * @throws {LibseccompError} when the action is not possible here
   */
  constructor(defaultAction: number) {
    this.#context = this.#library.seccomp_init(defaultAction >>> 0);
    if (this.#context === null) throw new LibseccompError("seccomp_init", -ERRNO.EINVAL);
  }

  /** Adds an architecture to that of the machine; one that is there already is fine. @throws {LibseccompError} */
  addArchitecture(token: number): void {
    const result = this.#library.seccomp_arch_add(this.#context, token >>> 0);
    if (result < 0 && result !== -ERRNO.EEXIST) throw new LibseccompError("seccomp_arch_add", result);
  }

  /** Makes the filter of many rules faster; old libraries cannot. */
  optimize(): void {
    this.#library.seccomp_attr_set(this.#context, CTL_OPTIMIZE, BINARY_TREE);
  }

  /** Adds a rule on a system call by the machine's own number. @throws {LibseccompError} */
  addRule(action: number, syscall: number, comparisons: readonly Comparison[]): void {
    const array = new Uint8Array(new ArrayBuffer(ARG_CMP.size * comparisons.length));
    comparisons.forEach((comparison, i) => ARG_CMP.packInto(array, i * ARG_CMP.size, comparison));
    const { length } = comparisons;
    const result = this.#library.seccomp_rule_add_array(this.#context, action >>> 0, syscall, length, array);
    if (result < 0) throw new LibseccompError("seccomp_rule_add_array", result);
  }

  /** Writes the program (struct sock_filter[]) to a file. @throws {LibseccompError} */
  exportTo(file: Fd): void {
    const result = this.#library.seccomp_export_bpf(this.#context, file.number);
    if (result < 0) throw new LibseccompError("seccomp_export_bpf", result);
  }

  [Symbol.dispose](): void {
    this.#library.seccomp_release(this.#context);
  }
}
