/**
 * Messages of rpc.proto as bytes: protobuf's encoding, as much of it as they use. The runtime of protobuf-es can do that too, but
 * first reads the description of protobuf's descriptions, which takes longer than all that the command does by itself.
 */

import { RunoError } from "../core/error.ts";
import { FIELDS } from "./gen/rpc_fields.ts";
import type { CriuReq, CriuResp } from "./gen/rpc_pb.ts";

/** A message as plain data: fields that are not set are not there. */
type Plain<T> = T extends readonly (infer E)[] ? readonly Plain<E>[]
  : T extends object ? { readonly [K in keyof T as K extends `$${string}` ? never : K]?: Plain<T[K]> | undefined }
  : T;

/** What CRIU is asked. */
export type Request = Plain<CriuReq> & Pick<CriuReq, "type">;
/** What it answers. */
export type Response = Plain<CriuResp>;

type Name = keyof typeof FIELDS;
type Field = readonly [number: number, type: string, repeated?: true];
type Fields = Readonly<Record<string, Field>>;

const VARINT = 0, BYTES = 2;

/** A request as bytes. */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  writeMessage(bytes, FIELDS.CriuReq, request as Readonly<Record<string, unknown>>);
  return Uint8Array.from(bytes);
}

function writeMessage(bytes: number[], fields: Fields, message: Readonly<Record<string, unknown>>): void {
  for (const [name, [number, type]] of Object.entries(fields)) {
    const value = message[name];
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) writeField(bytes, number, type, one);
  }
}

function writeField(bytes: number[], number: number, type: string, value: unknown): void {
  if (typeof value === "number" || typeof value === "boolean") {
    writeVarint(bytes, number << 3 | VARINT);
    writeVarint(bytes, Number(value));
    return;
  }
  const content: number[] = [];
  if (typeof value === "string") { for (const byte of new TextEncoder().encode(value)) content.push(byte); }
  else writeMessage(content, FIELDS[type as Name], value as Readonly<Record<string, unknown>>);
  writeVarint(bytes, number << 3 | BYTES);
  writeVarint(bytes, content.length);
  for (const byte of content) bytes.push(byte);
}

/** Seven bits a byte, the lowest first; a negative number has 64 bits. */
function writeVarint(bytes: number[], value: number): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
}

/** A response from bytes. Fields that are not known are passed over. @throws {RunoError} when they are no message */
export function decodeResponse(bytes: Uint8Array): Response {
  return readMessage(new Reader(bytes), FIELDS.CriuResp) as Response;
}

function readMessage(reader: Reader, fields: Fields): Record<string, unknown> {
  const names = new Map(Object.entries(fields).map(([name, field]) => [field[0], { name, field }]));
  const message: Record<string, unknown> = {};
  while (!reader.atEnd) {
    const key = Number(reader.varint());
    const known = names.get(key >> 3), raw = reader.value(key & 7);
    if (known === undefined || (typeof raw === "bigint") !== isNumber(known.field[1])) continue;
    const { name, field: [, type, repeated] } = known;
    const value = typeof raw === "bigint" ? numberOf(raw, type) : contentOf(raw, type);
    if (repeated) (message[name] ??= [] as unknown[]), (message[name] as unknown[]).push(value);
    else message[name] = value;
  }
  return message;
}

function isNumber(type: string): boolean {
  return type === "int32" || type === "uint32" || type === "bool";
}

function numberOf(raw: bigint, type: string): number | boolean {
  if (type === "bool") return raw !== 0n;
  return Number(type === "int32" ? BigInt.asIntN(32, raw) : BigInt.asUintN(32, raw));
}

function contentOf(raw: Uint8Array, type: string): unknown {
  return type === "string" ? new TextDecoder().decode(raw) : readMessage(new Reader(raw), FIELDS[type as Name]);
}

/** Where one is in bytes that are read. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte] = this.#take(1);
      value |= BigInt(byte! & 127) << shift;
      if (byte! < 128) return value;
    }
    throw damaged();
  }

  /** The value of a field: a number, or else bytes. */
  value(type: number): bigint | Uint8Array {
    if (type === VARINT) return this.varint();
    if (type === BYTES) return this.#take(Number(this.varint()));
    if (type === 1 || type === 5) return this.#take(type === 1 ? 8 : 4);
    throw damaged();
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw damaged();
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }
}

function damaged(): RunoError {
  return new RunoError("criu sends what is no message of its interface");
}
