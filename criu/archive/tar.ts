/** tar files of plain files, POSIX ustar: written and read as streams, for images may be larger than memory. tar(5) */

import { RunoError } from "../../core/error.ts";

const BLOCK = 512;
const CHUNK = 1 << 20;

/** Fields of a header: where they are, and how long. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
} as const;

type Field = keyof typeof FIELDS;

const REGULAR = "0";

/** Whatever bytes can be written to, all of them. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/** Whatever bytes can be read from; null at the end. */
export interface Source {
  readSync(bytes: Uint8Array): number | null;
}

/** Takes the bytes of a file as they pass. */
export type Pass = (chunk: Uint8Array) => void;

/** Writes a file of that size, read from `content`. @throws {RunoError} when it has another size by now */
export function writeEntry(to: Sink, name: string, content: Source, size: number): void {
  writeAll(to, header(name, size));
  const copied = copy(content, size, (chunk) => writeAll(to, chunk));
  if (copied !== size) throw new RunoError(`archiving "${name}": it has changed meanwhile`);
  writeAll(to, new Uint8Array(padding(size)));
}

/** Ends the archive. */
export function writeEnd(to: Sink): void {
  writeAll(to, new Uint8Array(2 * BLOCK));
}

/** A file of an archive that is being read; `read()` hands its bytes on, and must be called before the next entry. */
export interface Entry {
  readonly name: string;
  readonly size: number;
  readonly read: (pass: Pass) => void;
}

/**
 * The files of an archive in their order.
 * @throws {RunoError} `invalid` for what is no archive of plain files, or is cut short
 */
export function* readEntries(from: Source): Generator<Entry> {
  const block = new Uint8Array(BLOCK);
  for (;;) {
    if (fill(from, block) < BLOCK) throw invalid("it is cut short");
    if (block.every((byte) => byte === 0)) return;
    const { name, size } = parseHeader(block);
    yield { name, size, read: (pass) => readContent(from, name, size, pass) };
  }
}

function readContent(from: Source, name: string, size: number, pass: Pass): void {
  if (copy(from, size, pass) !== size) throw invalid(`"${name}" is cut short`);
  const rest = padding(size);
  if (fill(from, new Uint8Array(rest)) !== rest) throw invalid(`"${name}" is cut short`);
}

function invalid(reason: string): RunoError {
  return new RunoError(`reading the archive: ${reason}`, { kind: "invalid" });
}

function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** Passes on as many bytes as there are, `size` at most. */
function copy(from: Source, size: number, pass: Pass): number {
  const buffer = new Uint8Array(CHUNK);
  let done = 0;
  while (done < size) {
    const count = from.readSync(buffer.subarray(0, Math.min(CHUNK, size - done)));
    if (count === null || count === 0) break;
    pass(buffer.subarray(0, count));
    done += count;
  }
  return done;
}

function fill(from: Source, buffer: Uint8Array): number {
  return copy(
    from,
    buffer.length,
    (() => {
      let at = 0;
      return (chunk: Uint8Array) => {
        buffer.set(chunk, at);
        at += chunk.length;
      };
    })(),
  );
}

function writeAll(to: Sink, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += to.writeSync(bytes.subarray(done));
}

function header(name: string, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (field: Field, text: string) => block.set(new TextEncoder().encode(text), FIELDS[field][0]);
  if (name.length > FIELDS.name[1]) throw new RunoError(`archiving "${name}": its name is too long`);
  put("name", name);
  put("mode", "0000600\0");
  put("uid", "0000000\0");
  put("gid", "0000000\0");
  putSize(block, size);
  put("mtime", "00000000000\0");
  put("type", REGULAR);
  put("magic", "ustar\x0000");
  put("checksum", `${checksum(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Eight gigabytes and more do not fit into octal digits: then as a number with the first bit set, as GNU tar does. */
function putSize(block: Uint8Array, size: number): void {
  const [at, length] = FIELDS.size;
  const digits = size.toString(8);
  if (digits.length < length) {
    block.set(new TextEncoder().encode(`${digits.padStart(length - 1, "0")}\0`), at);
    return;
  }
  for (let i = length - 1, rest = size; i > 0; i--, rest = Math.floor(rest / 256)) block[at + i] = rest % 256;
  block[at] = 0x80;
}

function getSize(block: Uint8Array): number {
  const [at, length] = FIELDS.size;
  if ((block[at]! & 0x80) === 0) return parseInt(textOf(block, "size"), 8);
  return block.subarray(at + 1, at + length).reduce((size, byte) => size * 256 + byte, 0);
}

/** The sum of all bytes, those of the checksum itself taken as blanks. */
function checksum(block: Uint8Array): number {
  const [at, length] = FIELDS.checksum;
  return block.reduce((sum, byte, i) => sum + (i >= at && i < at + length ? 32 : byte), 0);
}

function textOf(block: Uint8Array, field: Field): string {
  const [at, length] = FIELDS[field];
  return new TextDecoder().decode(block.subarray(at, at + length)).replace(/\0.*$/s, "").trim();
}

function parseHeader(block: Uint8Array): { name: string; size: number } {
  if (parseInt(textOf(block, "checksum"), 8) !== checksum(block)) throw invalid("it is no tar archive, or damaged");
  const name = textOf(block, "name"), size = getSize(block);
  if (textOf(block, "type") !== REGULAR || !Number.isSafeInteger(size)) throw invalid(`"${name}" is no plain file`);
  return { name, size };
}
