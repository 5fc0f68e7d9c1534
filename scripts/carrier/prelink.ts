/**
 * An executable that is loaded where it was linked to be. Deno's has 159,000 addresses to be adjusted to wherever the kernel
 * puts it; ld.so does that at every start, and copies the pages they are on: 2 of 11 ms. Here it is done once. The price is that
 * the executable's own code is always in the same place. Libraries, heap, stack and what V8 makes are not, unless they thaw.
 */

import { RunoError } from "../../core/error.ts";
import type { Arch } from "../gen/assemble.ts";
import {
  bytesAt,
  DT_RELA,
  DT_RELASZ,
  DT_STRTAB,
  DT_SYMTAB,
  DYN,
  EHDR,
  MACHINES,
  PHDR,
  PT_DYNAMIC,
  PT_LOAD,
  SHDR,
  SYM,
} from "./elf_layouts.ts";

/** Where address 0 of the executable goes: beyond the lowest addresses, which nobody may map, vm.mmap_min_addr. */
export const BASE = 0x1000000n;

const ET_EXEC = 2, ET_DYN = 3, SHT_DYNSYM = 11, STT_TLS = 6, SHN_UNDEF = 0, SHN_ABS = 0xfff1, PT_GNU_STACK = 0x6474e551;
const DT_PLTRELSZ = 2n, DT_JMPREL = 23n, DT_RELR = 36n, DT_RELACOUNT = 0x6ffffff9n, DT_FLAGS_1 = 0x6ffffffbn;
const DF_1_PIE = 0x8000000n;
/** Tags whose values are addresses: PLTGOT, HASH, STRTAB, SYMTAB, RELA, INIT, FINI, JMPREL, the arrays, and GNU's tables. */
const ADDRESSES = new Set([3n, 4n, 5n, 6n, 7n, 12n, 13n, 23n, 25n, 26n, 32n]
  .concat([0x6ffffef5n, 0x6ffffff0n, 0x6ffffffcn, 0x6ffffffen]));

/**
 * Calls that lead to other functions of libc. SQLite is the only one to call these: it wants to know the path of a file without
 * any link, and of a descriptor's link below /proc it would take the text for the file.
 */
const FOLLOWING = new Map([["__lxstat", "__xstat"], ["__lxstat64", "__xstat64"], ["lstat", "stat"], [
  "lstat64",
  "stat64",
]]);

/** Three u64 words of a relocation: where, its type (low half) and symbol (high half), what is added. */
const WORDS = 3;

/**
 * Turns a position-independent executable into one for a fixed address, in place.
 * @throws {RunoError} when it is none, or has relocations of an unknown kind; the bytes are then unchanged
 */
export function prelink(file: Uint8Array<ArrayBuffer>, arch: Arch): void {
  const image = new Image(file, arch);
  image.check();
  image.redirect(FOLLOWING);
  image.relocate();
  image.moveSymbols();
  image.moveDynamic();
  image.moveHeaders();
}

class Image {
  readonly #file: Uint8Array<ArrayBuffer>;
  readonly #kinds: (typeof MACHINES)[Arch];
  readonly #header;
  readonly #segments;
  readonly #loads;
  readonly #dynamic: readonly { readonly at: Uint8Array; readonly tag: bigint; readonly value: bigint }[];
  #kept = 0;

  constructor(file: Uint8Array<ArrayBuffer>, arch: Arch) {
    this.#file = file;
    this.#kinds = MACHINES[arch];
    this.#header = EHDR.read(file);
    const headers = file.subarray(Number(this.#header.phoff));
    this.#segments = Array.from({ length: this.#header.phnum }, (_, n) => PHDR.read(headers.subarray(n * PHDR.size)));
    this.#loads = this.#segments.filter(({ type }) => type === PT_LOAD);
    this.#dynamic = this.#readDynamic();
  }

  #readDynamic() {
    const segment = this.#segments.find(({ type }) => type === PT_DYNAMIC);
    if (segment === undefined) throw new RunoError("prelinking: executable is not dynamically linked");
    const section = this.#at(segment.vaddr).subarray(0, Number(segment.filesz));
    const entries = Array.from({ length: section.length / DYN.size }, (_, n) => {
      const at = section.subarray(n * DYN.size, (n + 1) * DYN.size);
      return { at, ...DYN.read(at) };
    });
    return entries.slice(0, entries.findIndex(({ tag }) => tag === 0n));
  }

  /** Throws before anything is changed. */
  check(): void {
    if (this.#header.type !== ET_DYN) throw new RunoError("prelinking: executable is not position independent");
    if (this.#value(DT_RELR) !== 0n) throw new RunoError("prelinking: executable has packed relocations");
    const { absolute, globDat, jumpSlot, relative, tpoff, irelative } = this.#kinds;
    const known = new Set<number>([absolute, globDat, jumpSlot, relative, tpoff, irelative]);
    for (const table of this.#tables()) {
      for (let i = 1; i < table.length; i += WORDS) {
        const kind = Number(table[i]! & 0xffffffffn);
        if (!known.has(kind)) throw new RunoError(`prelinking: relocation of the unknown kind ${kind}`);
      }
    }
    this.#symbols();
  }

  /** Lets calls of the functions that are keys lead to their values, where the executable calls both. */
  redirect(functions: ReadonlyMap<string, string>): void {
    const [, calls] = this.#tables(), index = new Map<string, bigint>();
    for (let i = 1; i < calls.length; i += WORDS) index.set(this.#symbolName(calls[i]! >> 32n), calls[i]! >> 32n);
    for (let i = 1; i < calls.length; i += WORDS) {
      const other = index.get(functions.get(this.#symbolName(calls[i]! >> 32n)) ?? "");
      if (other !== undefined) calls[i] = other << 32n | calls[i]! & 0xffffffffn;
    }
  }

  #symbolName(index: bigint): string {
    const { name } = SYM.read(this.#at(this.#value(DT_SYMTAB) + index * BigInt(SYM.size)));
    const text = this.#at(this.#value(DT_STRTAB) + BigInt(name));
    return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  }

  /** Adjusts what only depends on the address; what depends on other objects stays, at its new place, for ld.so. */
  relocate(): void {
    const [data, calls] = this.#tables();
    const { relative, jumpSlot, irelative } = this.#kinds;
    let kept = 0;
    for (let i = 0; i < data.length; i += WORDS) {
      const [where, info, addend] = [data[i]!, data[i + 1]!, data[i + 2]!];
      const kind = Number(info & 0xffffffffn);
      if (kind === relative) {
        this.#word(where)[0] = BASE + addend;
        continue;
      }
      data.set([where + BASE, info, kind === irelative ? addend + BASE : addend], kept);
      kept += WORDS;
    }
    this.#kept = kept * 8;
    for (let i = 0; i < calls.length; i += WORDS) {
      const kind = Number(calls[i + 1]! & 0xffffffffn), slot = this.#word(calls[i]!);
      // until the function is looked up, its slot leads into the executable itself
      if (kind === jumpSlot && slot[0] !== 0n) slot[0]! += BASE;
      if (kind === irelative) calls[i + 2]! += BASE;
      calls[i]! += BASE;
    }
  }

  moveSymbols(): void {
    const table = this.#symbols();
    for (let at = 0; at < table.length; at += SYM.size) {
      const bytes = table.subarray(at, at + SYM.size), symbol = SYM.read(bytes);
      if (symbol.section === SHN_UNDEF || symbol.section === SHN_ABS || (symbol.info & 15) === STT_TLS) continue;
      bytes.set(SYM.pack({ ...symbol, value: symbol.value + BASE }));
    }
  }

  moveDynamic(): void {
    for (const { at, tag, value } of this.#dynamic) {
      if (tag === DT_RELASZ) at.set(DYN.pack({ tag, value: this.#kept }));
      else if (tag === DT_RELACOUNT) at.set(DYN.pack({ tag, value: 0 }));
      else if (tag === DT_FLAGS_1) at.set(DYN.pack({ tag, value: value & ~DF_1_PIE }));
      else if (ADDRESSES.has(tag)) at.set(DYN.pack({ tag, value: value + BASE }));
    }
  }

  moveHeaders(): void {
    const headers = this.#file.subarray(Number(this.#header.phoff));
    this.#segments.forEach((segment, n) => {
      if (segment.type === PT_GNU_STACK) return;
      const moved = { ...segment, vaddr: segment.vaddr + BASE, paddr: segment.paddr + BASE };
      headers.set(PHDR.pack(moved), n * PHDR.size);
    });
    this.#file.set(EHDR.pack({ ...this.#header, type: ET_EXEC, entry: this.#header.entry + BASE }));
  }

  /** The relocations of data and of calls. */
  #tables(): readonly [BigUint64Array<ArrayBuffer>, BigUint64Array<ArrayBuffer>] {
    const table = (address: bigint, size: bigint) => {
      if (size === 0n) return new BigUint64Array();
      const { byteOffset } = this.#at(address);
      return new BigUint64Array(this.#file.buffer, byteOffset, Number(size) / 8);
    };
    return [
      table(this.#value(DT_RELA), this.#value(DT_RELASZ)),
      table(this.#value(DT_JMPREL), this.#value(DT_PLTRELSZ)),
    ];
  }

  /** The dynamic symbols; only the section's header says how many there are. */
  #symbols(): Uint8Array {
    const headers = this.#file.subarray(Number(this.#header.shoff));
    const section = Array.from({ length: this.#header.shnum }, (_, n) => SHDR.read(headers.subarray(n * SHDR.size)))
      .find(({ type, addr }) => type === SHT_DYNSYM && addr === this.#value(DT_SYMTAB));
    if (section === undefined) throw new RunoError("prelinking: executable has no section of dynamic symbols");
    return this.#at(section.addr).subarray(0, Number(section.size));
  }

  #word(address: bigint): BigUint64Array<ArrayBuffer> {
    return new BigUint64Array(this.#file.buffer, this.#at(address).byteOffset, 1);
  }

  #value(tag: bigint): bigint {
    return this.#dynamic.find((entry) => entry.tag === tag)?.value ?? 0n;
  }

  #at(address: bigint): Uint8Array {
    return bytesAt(this.#file, this.#loads, address);
  }
}
