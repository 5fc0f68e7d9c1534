/** ELF (elf(5), 64 bits, little endian) as data. */

import { RunoError } from "../../core/error.ts";
import { Layout } from "../../ffi/structs.ts";
import type { Arch } from "../gen/assemble.ts";

export const EHDR = new Layout({
  magic: "u32",
  class: "u8",
  data: "u8",
  ident: "u16",
  padding: "u64",
  type: "u16",
  machine: "u16",
  version: "u32",
  entry: "u64",
  phoff: "u64",
  shoff: "u64",
  flags: "u32",
  ehsize: "u16",
  phentsize: "u16",
  phnum: "u16",
  shentsize: "u16",
  shnum: "u16",
  shstrndx: "u16",
});
export const PHDR = new Layout({
  type: "u32",
  flags: "u32",
  offset: "u64",
  vaddr: "u64",
  paddr: "u64",
  filesz: "u64",
  memsz: "u64",
  align: "u64",
});
export const DYN = new Layout({ tag: "u64", value: "u64" });
export const RELA = new Layout({ offset: "u64", type: "u32", symbol: "u32", addend: "u64" });
export const SYM = new Layout({ name: "u32", info: "u8", other: "u8", section: "u16", value: "u64", size: "u64" });
export const SHDR = new Layout({
  name: "u32",
  type: "u32",
  flags: "u64",
  addr: "u64",
  offset: "u64",
  size: "u64",
  link: "u32",
  info: "u32",
  align: "u64",
  entsize: "u64",
});

/** The architectures by what their relocations are called; e_machine. */
export const MACHINES = {
  x86_64: { machine: 62, absolute: 1, globDat: 6, jumpSlot: 7, relative: 8, tpoff: 18, irelative: 37 },
  aarch64: { machine: 183, absolute: 257, globDat: 1025, jumpSlot: 1026, relative: 1027, tpoff: 1030, irelative: 1032 },
} as const satisfies Record<Arch, unknown>;

export type Segment = ReturnType<typeof PHDR.read>;

/** Segment types and flags. */
export const PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_NOTE = 4, PT_PHDR = 6, PF_X = 1, PF_R = 4;
/** Tags of the dynamic section. */
export const DT_STRTAB = 5n, DT_SYMTAB = 6n, DT_RELA = 7n, DT_RELASZ = 8n;

/** The bytes of the file from a virtual address on. @throws {RunoError} when no segment has them */
export function bytesAt(file: Uint8Array, segments: readonly Segment[], address: bigint): Uint8Array {
  const segment = segments.find(({ type, vaddr, filesz }) =>
    type === PT_LOAD && vaddr <= address && address < vaddr + filesz
  );
  if (segment === undefined) throw new RunoError(`reading ELF: no segment holds address 0x${address.toString(16)}`);
  return file.subarray(Number(segment.offset + address - segment.vaddr));
}
