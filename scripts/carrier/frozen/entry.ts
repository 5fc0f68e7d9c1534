/**
 * The entry of an executable that thaws, or is to be frozen: a segment of its own. The kernel would load ld.so before it jumps
 * anywhere; so the executable names no interpreter, and the entry loads it where it is needed.
 */

import { RunoError } from "../../../core/error.ts";
import { Layout } from "../../../ffi/structs.ts";
import { EHDR, PF_R, PF_X, PHDR, PT_INTERP, PT_LOAD, PT_PHDR, type Segment } from "../elf_layouts.ts";
import { ENTRY } from "./entry_bytes.ts";
import { SEGMENT, STACK, STACK_SIZE, STATE } from "./places.ts";

const PAGE = 4096;
/** The name under which the executable is executed again where thawing failed: the entry then does not try. */
const MARK = "/proc/self/./exe";
const PROGRAM_ALIGN = 64;

/** The table behind the entry's code. The `.s` file names the same fields. */
const TABLE = new Layout({
  cold: "u64",
  interpreter: "u64",
  headers: "u64",
  stack: "u64",
  stackSize: "u64",
  thaw: "u64",
  state: "u64",
  frame: "u64",
  mark: "u64",
  leaf1c: "u32",
  leaf7b: "u32",
  leaf7c: "u32",
  extended: "u32",
  xcr0: "u32",
});

/** A frozen process, as the executable has it. */
export interface Frozen {
  /** What its processor had that programs use: bits of what cpuid and xgetbv say. */
  readonly processor: Readonly<Record<"leaf1c" | "leaf7b" | "leaf7c" | "extended" | "xcr0", number>>;
  /** The stack pointer with which its program ends, in rt_sigreturn(2). */
  readonly frame: number;
  /** Whole pages that the program maps. */
  readonly pages: readonly Uint8Array[];
  /** The program, for an address; `mark` is the address of the path to execute when it fails, `pages` their offset in the file. */
  readonly program: (address: number, around: { readonly mark: number; readonly pages: number }) => Uint8Array;
}

/** The executable (for a fixed address, x86-64) with the entry: to thaw what is frozen, or else to be frozen. */
export function withEntry(file: Uint8Array, frozen?: Frozen): Uint8Array<ArrayBuffer> {
  const header = EHDR.read(file), at = Number(header.phoff);
  const segments = Array.from({ length: header.phnum }, (_, n) => PHDR.read(file.subarray(at + n * PHDR.size)));
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  if (interpreter === undefined) throw new RunoError("adding the entry: executable names no interpreter");
  const pages = roundUp(file.length, PAGE), stored = frozen?.pages ?? [];
  const offset = stored.reduce((end, { length }) => end + length, pages);
  const content = layOut({ cold: header.entry, interpreter: interpreter.vaddr, segments, pages, frozen });
  const out = new Uint8Array(offset + content.length);
  out.set(file);
  stored.reduce((end, bytes) => (out.set(bytes, end), end + bytes.length), pages);
  out.set(content, offset);
  const own = loaded(offset, content.length);
  segments.forEach((segment, n) => out.set(PHDR.pack(segment === interpreter ? own : segment), at + n * PHDR.size));
  out.set(EHDR.pack({ ...header, entry: own.vaddr }));
  return out;
}

/** The segment: code, table, program headers for ld.so, which name it, the mark, the program. */
function layOut({ cold, interpreter, segments, pages, frozen }: {
  readonly cold: bigint;
  readonly interpreter: bigint;
  readonly segments: readonly Segment[];
  readonly pages: number;
  readonly frozen: Frozen | undefined;
}): Uint8Array {
  const headers = SEGMENT + ENTRY.x86_64.length + TABLE.size, own = BigInt(headers);
  const named = segments.map((segment) => segment.type === PT_PHDR ? { ...segment, vaddr: own, paddr: own } : segment);
  const mark = headers + named.length * PHDR.size, markBytes = new TextEncoder().encode(`${MARK}\0`);
  const address = roundUp(mark + markBytes.length, PROGRAM_ALIGN);
  const program = frozen?.program(address, { mark, pages }) ?? new Uint8Array();
  const table = TABLE.pack({
    ...{ cold, interpreter, headers, mark, state: STATE },
    ...(frozen ? { ...frozen.processor, thaw: address, frame: frozen.frame } : { stack: STACK, stackSize: STACK_SIZE }),
  });
  const content = new Uint8Array(address - SEGMENT + program.length);
  content.set(ENTRY.x86_64);
  content.set(table, ENTRY.x86_64.length);
  named.forEach((segment, n) => content.set(PHDR.pack(segment), headers - SEGMENT + n * PHDR.size));
  content.set(markBytes, mark - SEGMENT);
  content.set(program, address - SEGMENT);
  return content;
}

function loaded(offset: number, length: number) {
  const vaddr = BigInt(SEGMENT), size = BigInt(length);
  return {
    ...{ type: PT_LOAD, flags: PF_R | PF_X, offset: BigInt(offset), vaddr, paddr: vaddr },
    ...{ filesz: size, memsz: size, align: BigInt(PAGE) },
  };
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
