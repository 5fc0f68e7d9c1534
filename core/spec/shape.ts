/** Shapes of JSON values as data, and the walk that fits a value into a shape and reports all that does not fit. */

import { LongNumber } from "./json.ts";
import { at, type Problem } from "./problem.ts";

/** What a value must look like. */
export type Shape = Scalar | ListShape | MapShape | ObjectShape;

/** `exact` is an unsigned 64-bit integer that keeps every bit (`Uint64` in types.ts). */
export type Scalar = "string" | "boolean" | "int" | "int32" | "int64" | "uint16" | "uint32" | "uint64" | "exact";

export interface ListShape {
  readonly list: Shape;
}

/** An object whose keys are free. */
export interface MapShape {
  readonly map: Shape;
}

export interface ObjectShape {
  readonly required: Readonly<Record<string, Shape>>;
  readonly optional: Readonly<Record<string, Shape>>;
  /** Required keys that are zero or empty when they are not there. */
  readonly emptyIfAbsent: readonly string[];
}

/** An array of these. */
export const list = (of: Shape): ListShape => ({ list: of });

/** An object with free keys and such values. */
export const map = (of: Shape): MapShape => ({ map: of });

/** An object with these keys; others are dropped, as are nulls and empty texts of optional keys. */
export function object(
  required: ObjectShape["required"],
  optional: ObjectShape["optional"] = {},
  emptyIfAbsent: readonly string[] = [],
): ObjectShape {
  return { required, optional, emptyIfAbsent };
}

const RANGES: Readonly<Record<Exclude<Scalar, "string" | "boolean" | "exact">, readonly [bigint, bigint]>> = {
  int: [-(2n ** 63n), 2n ** 63n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/**
 * The part of `value` that fits `shape`. What does not fit goes to `problems` and is left out, or is empty or zero where
 * the shape requires something, so that the result can always be read through the type that the shape stands for.
 */
export function fit(value: unknown, shape: Shape, pointer: string, problems: Problem[]): unknown {
  if (typeof shape === "string") return fitScalar(value, shape, pointer, problems);
  if ("list" in shape) return fitList(value, shape, pointer, problems);
  if (!isPlainObject(value)) return refuse(value, shape, pointer, problems);
  return "map" in shape ? fitMap(value, shape, pointer, problems) : fitObject(value, shape, pointer, problems);
}

function fitList(value: unknown, shape: ListShape, pointer: string, problems: Problem[]): unknown {
  if (!Array.isArray(value)) return refuse(value, shape, pointer, problems);
  return value.map((element, index) => fit(element, shape.list, at(pointer, index), problems));
}

function fitMap(value: Record<string, unknown>, shape: MapShape, pointer: string, problems: Problem[]): unknown {
  const entries = Object.entries(value).filter(([, entry]) => entry !== null);
  // fromEntries, because assigning to "__proto__" would set the prototype
  return Object.fromEntries(entries.map(([key, entry]) => [key, fit(entry, shape.map, at(pointer, key), problems)]));
}

function fitObject(given: Record<string, unknown>, shape: ObjectShape, pointer: string, problems: Problem[]): unknown {
  const value = inKnownLetters(given, shape);
  const result: Record<string, unknown> = {};
  for (const [key, of] of Object.entries(shape.required)) {
    const entry = own(value, key);
    if (entry === undefined && !shape.emptyIfAbsent.includes(key)) {
      problems.push({ pointer: at(pointer, key), message: "must be set" });
    }
    result[key] = entry === undefined ? empty(of) : fit(entry, of, at(pointer, key), problems);
  }
  for (const [key, of] of Object.entries(shape.optional)) {
    const entry = own(value, key);
    if (entry === undefined || (entry === "" && of === "string")) continue;
    const count = problems.length;
    const fitted = fit(entry, of, at(pointer, key), problems);
    if (problems.length === count || typeof of !== "string") result[key] = fitted;
  }
  return result;
}

/**
 * The small and capital letters of a key do not matter, as for every reader in Go: "pagesize". Of two such keys the later
 * counts, and objects are put together.
 */
function inKnownLetters(given: Record<string, unknown>, shape: ObjectShape): Record<string, unknown> {
  const isKnown = (key: string) => Object.hasOwn(shape.optional, key) || Object.hasOwn(shape.required, key);
  if (Object.keys(given).every(isKnown)) return given;
  const known = new Map(Object.keys({ ...shape.required, ...shape.optional }).map((key) => [key.toLowerCase(), key]));
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of Object.entries(given)) {
    const name = isKnown(key) ? key : known.get(key.toLowerCase()) ?? key;
    const before = result[name];
    result[name] = isPlainObject(before) && isPlainObject(entry) ? { ...before, ...entry } : entry;
  }
  return result;
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] ?? undefined : undefined;
}

function fitScalar(value: unknown, shape: Scalar, pointer: string, problems: Problem[]): unknown {
  if (shape === "string" || shape === "boolean") {
    const kind: string = typeof value;
    return kind === shape ? value : refuse(value, shape, pointer, problems);
  }
  const integer = integerOf(value, shape);
  if (integer === undefined) return refuse(value, shape, pointer, problems);
  const [low, high] = RANGES[shape === "exact" ? "uint64" : shape];
  if (integer < low || integer > high) {
    problems.push({ pointer, message: `must be an integer from ${low} to ${high}` });
    return 0;
  }
  const number = Number(integer);
  return shape === "exact" && !Number.isSafeInteger(number) ? String(integer) : number;
}

function integerOf(value: unknown, shape: Scalar): bigint | undefined {
  if (value instanceof LongNumber) return BigInt(value.text);
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  // what this module itself made of a long number, read back from a state file
  return shape === "exact" && typeof value === "string" && /^\d{16,20}$/.test(value) ? BigInt(value) : undefined;
}

function refuse(value: unknown, shape: Shape, pointer: string, problems: Problem[]): unknown {
  problems.push({ pointer, message: `must be ${nounOf(shape)}, not ${kindOf(value)}` });
  return empty(shape);
}

function nounOf(shape: Shape): string {
  if (typeof shape !== "string") return "list" in shape ? "an array" : "an object";
  return shape === "string" || shape === "boolean" ? `a ${shape}` : "an integer";
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (value instanceof LongNumber) return "a number";
  if (typeof value === "number") return Number.isInteger(value) ? "a number" : String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function empty(shape: Shape): unknown {
  if (typeof shape === "string") return shape === "string" ? "" : shape === "boolean" ? false : 0;
  if ("list" in shape) return [];
  if ("map" in shape) return {};
  return Object.fromEntries(Object.entries(shape.required).map(([key, of]) => [key, empty(of)]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof LongNumber);
}
