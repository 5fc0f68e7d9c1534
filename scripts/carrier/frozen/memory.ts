/** The memory of a frozen process: what is mapped where, and the pages that hold something else than what is mapped there. */

import { RunoError } from "../../../core/error.ts";
import { EHDR, PHDR, PT_NOTE } from "../elf_layouts.ts";
import type { FrozenProcess, Mapping } from "./freeze.ts";
import { SEGMENT, STATE } from "./places.ts";

const PAGE = 4096;
/** Runs of pages no further apart are one, with what lies between: a mapping costs more than some pages. */
const GAP = 8 * PAGE;
/** What the kernel maps, each time in another place. */
const KERNELS = ["[vvar]", "[vvar_vclock]", "[vdso]", "[stack]", "[vsyscall]"];
const NT_GNU_BUILD_ID = 3;

/** A stretch of memory. */
export interface Range {
  readonly start: number;
  readonly end: number;
  /** As in /proc/PID/maps: "rw-p". */
  readonly permissions: string;
}

/** A library of the host. */
export interface Library {
  readonly path: string;
  readonly ranges: readonly (Range & { readonly offset: number })[];
  /** Words of its build ID, by address: another build has other functions, and other data, elsewhere. */
  readonly identity: readonly (readonly [address: number, word: number])[];
}

/** What makes up the memory, in the order in which it is mapped. */
export interface Memory {
  readonly libraries: readonly Library[];
  readonly anonymous: readonly Range[];
  readonly pages: readonly (Range & { readonly bytes: Uint8Array<ArrayBuffer> })[];
  /** Parts of the executable that may no longer be written to. */
  readonly protect: readonly Range[];
}

/**
 * Reads the memory.
 * @param executable the process's own, which the kernel maps at each start
 * @throws {RunoError} when there is memory that no other process could have
 */
export function readMemory(process: FrozenProcess, executable: string): Memory {
  const mappings = process.mappings.filter(({ start, name }) =>
    start !== STATE && start !== SEGMENT && !KERNELS.includes(name)
  );
  const odd = mappings.find(({ name, permissions }) => !permissions.endsWith("p") || !/^(\/.*|\[heap\])?$/.test(name));
  if (odd !== undefined) throw new RunoError(`freezing: "${odd.name}" is mapped "${odd.permissions}"`);
  const own = mappings.filter(({ name }) => name === executable), ownEnd = Math.max(...own.map(({ end }) => end));
  const files = Map.groupBy(mappings.filter(({ name }) => name.startsWith("/")), ({ name }) => name);
  files.delete(executable);
  return {
    libraries: Array.from(files, ([path, ranges]) => ({ path, ranges, identity: identityOf(path, ranges) })),
    // what lies between the executable's segments is theirs
    anonymous: mappings.filter(({ name, start }) => name === "[heap]" || (name === "" && start > ownEnd)),
    pages: mappings.flatMap((mapping) => changedPages(process, mapping)),
    protect: own.filter(({ permissions, start }) =>
      permissions === "r--p" && own.some((other) => other.permissions === "rw-p" && other.end === start)
    ),
  };
}

function changedPages({ read }: FrozenProcess, mapping: Mapping): Memory["pages"] {
  const { start, end, permissions, name, offset } = mapping;
  // what can not be read was never written
  if (!permissions.startsWith("r")) return [];
  const bytes = read(start, end - start),
    before = name.startsWith("/") ? readFile(name, offset, bytes.length) : undefined;
  const runs: { from: number; to: number }[] = [];
  for (let at = 0; at < bytes.length; at += PAGE) {
    if (isSamePage(bytes, before, at)) continue;
    const last = runs.at(-1);
    if (last !== undefined && at - last.to <= GAP) last.to = at + PAGE;
    else runs.push({ from: at, to: at + PAGE });
  }
  return runs.map(({ from, to }) => ({
    ...{ start: start + from, end: start + to, permissions },
    bytes: bytes.slice(from, to),
  }));
}

/** @param before what was mapped there; nothing is zero */
function isSamePage(bytes: Uint8Array<ArrayBuffer>, before: Uint8Array<ArrayBuffer> | undefined, at: number): boolean {
  const words = new BigUint64Array(bytes.buffer, at, PAGE / 8);
  const others = before && new BigUint64Array(before.buffer, at, PAGE / 8);
  return words.every((word, i) => word === (others?.[i] ?? 0n));
}

/** A part of a file as it is mapped: zero beyond its end. */
function readFile(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  file.seekSync(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  return bytes;
}

/** @throws {RunoError} when the library has no build ID */
function identityOf(path: string, ranges: readonly Mapping[]): Library["identity"] {
  const { start, end } = ranges.find(({ offset }) => offset === 0)!;
  const head = readFile(path, 0, end - start), { phoff, phnum } = EHDR.read(head);
  for (let n = 0; n < phnum; n++) {
    const { type, offset, filesz } = PHDR.read(head.subarray(Number(phoff) + n * PHDR.size));
    const id = type === PT_NOTE ? findBuildId(head, Number(offset), Number(offset + filesz)) : undefined;
    if (id === undefined) continue;
    const words = new Int32Array(head.buffer, id.offset, Math.floor(id.size / 4));
    return Array.from(words, (word, i) => [start + id.offset + 4 * i, word] as const);
  }
  throw new RunoError(`freezing: "${path}" has no build ID`);
}

/** Where the description of the note is in the file, if it is among those of a segment. */
function findBuildId(head: Uint8Array<ArrayBuffer>, from: number, to: number) {
  const word = new DataView(head.buffer);
  for (let at = from; at < to;) {
    const [nameSize, size, type] = [at, at + 4, at + 8].map((field) => word.getUint32(field, true)) as [
      number,
      number,
      number,
    ];
    const offset = at + 12 + roundUp(nameSize);
    if (type === NT_GNU_BUILD_ID) return { offset, size };
    at = offset + roundUp(size);
  }
  return undefined;
}

function roundUp(size: number): number {
  return (size + 3) & ~3;
}
