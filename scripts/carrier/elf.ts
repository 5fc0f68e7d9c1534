/** Just enough of ELF (elf(5), 64 bits, little endian) to give an executable one more segment and another entry. */

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
  PF_R,
  PF_X,
  PHDR,
  PT_DYNAMIC,
  PT_LOAD,
  PT_NOTE,
  RELA,
  type Segment,
  SYM,
} from "./elf_layouts.ts";
import type { Targets } from "./stub.ts";

const ELF_MAGIC = 0x464c457f, ELFCLASS64 = 2, ELFDATA2LSB = 1;
/** The largest page that either architecture has: offsets and addresses of segments agree modulo this. */
const PAGE = 0x10000;

/** An ELF executable in memory. */
export class Elf {
  readonly #bytes: Uint8Array;
  readonly #header: ReturnType<typeof EHDR.read>;
  readonly arch: Arch;
  readonly segments: readonly Segment[];

  /** Throws RunoError when the bytes are no 64-bit little-endian ELF for an architecture that there is a stub for. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    if (bytes.length < EHDR.size) throw new RunoError("reading ELF header: file is too short");
    const header = this.#header = EHDR.read(bytes);
    const arch = (["x86_64", "aarch64"] as const).find((name) => MACHINES[name].machine === header.machine);
    if (
      header.magic !== ELF_MAGIC || header.class !== ELFCLASS64 || header.data !== ELFDATA2LSB || arch === undefined
    ) {
      throw new RunoError("reading ELF header: no executable for x86_64 or aarch64");
    }
    this.arch = arch;
    const at = Number(header.phoff);
    this.segments = Array.from({ length: header.phnum }, (_, n) => PHDR.read(bytes.subarray(at + n * PHDR.size)));
  }

  /**
   * A copy with one more segment (read and execute, never write), made by `blob` from its distance to the old entry and to
   * the pointer to `environ`, and from its address; its first byte is the new entry. A note segment gives up its place in the
   * program headers.
   */
  withSegment(blob: (targets: Targets, address: bigint) => Uint8Array): Uint8Array<ArrayBuffer> {
    const loads = this.segments.filter((segment) => segment.type === PT_LOAD);
    const last = loads.at(-1), note = this.segments.findIndex((segment) => segment.type === PT_NOTE);
    if (last === undefined || note < 0) {
      throw new RunoError("adding a segment: executable has no note segment to replace");
    }
    const offset = roundUp(this.#bytes.length), vaddr = BigInt(roundUp(Number(last.vaddr + last.memsz)) + PAGE);
    const content = blob({ entry: this.#header.entry - vaddr, environ: this.#environPointer() - vaddr }, vaddr);
    const size = BigInt(content.length);
    const added: Segment = {
      ...{ type: PT_LOAD, flags: PF_R | PF_X, offset: BigInt(offset), vaddr, paddr: vaddr },
      ...{ filesz: size, memsz: size, align: BigInt(PAGE) },
    };
    const out = new Uint8Array(offset + content.length);
    out.set(this.#bytes);
    out.set(content, offset);
    // loadable segments are in the order of their addresses
    this.segments.filter((_, n) => n !== note).flatMap((segment) => segment === last ? [segment, added] : [segment])
      .forEach((segment, n) => out.set(PHDR.pack(segment), Number(this.#header.phoff) + n * PHDR.size));
    out.set(EHDR.pack({ ...this.#header, entry: vaddr }));
    return out;
  }

  /** The address of the word that ld.so fills with the address of libc's `environ`. */
  #environPointer(): bigint {
    const dynamic = this.segments.find((segment) => segment.type === PT_DYNAMIC);
    if (dynamic === undefined) throw new RunoError("looking for environ: executable is not dynamically linked");
    const tags = new Map<bigint, bigint>();
    for (let at = dynamic.vaddr; at < dynamic.vaddr + dynamic.memsz; at += BigInt(DYN.size)) {
      const { tag, value } = DYN.read(this.#at(at));
      tags.set(tag, value);
    }
    const [rela, size, symbols, strings] = [DT_RELA, DT_RELASZ, DT_SYMTAB, DT_STRTAB].map((tag) => tags.get(tag) ?? 0n);
    const table = this.#at(rela ?? 0n), { globDat } = MACHINES[this.arch];
    for (let at = 0; at < Number(size); at += RELA.size) {
      const { type, symbol, offset } = RELA.read(table.subarray(at, at + RELA.size));
      if (type !== globDat) continue;
      const { name } = SYM.read(this.#at((symbols ?? 0n) + BigInt(symbol * SYM.size)));
      if (["environ", "__environ", "_environ"].includes(cString(this.#at((strings ?? 0n) + BigInt(name))))) {
        return offset;
      }
    }
    throw new RunoError("looking for environ: executable has no pointer to it");
  }

  #at(address: bigint): Uint8Array {
    return bytesAt(this.#bytes, this.segments, address);
  }
}

function roundUp(value: number): number {
  return Math.ceil(value / PAGE) * PAGE;
}

function cString(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
