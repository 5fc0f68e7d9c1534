/** Integers that a double cannot hold, as runc's state.json needs them: bare digits, and in the range of Go's types. */

/** What `JSON.rawJSON()` returns: `JSON.stringify()` writes its text as it is. */
export interface RawNumber {
  readonly rawJSON: string;
}

// ECMA-262 "JSON.parse source text access"; TypeScript's library does not know it yet
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): RawNumber };

// the largest int64
const LARGEST = rawJSON("9223372036854775807");

/** An unsigned 64-bit number of config.json, decimal text above 2^53-1, to be written as bare digits. */
export function uint64(value: number | string): number | RawNumber {
  return typeof value === "number" ? value : rawJSON(value);
}

/** JSON to values. Throws SyntaxError. */
export function parseExact(text: string): unknown {
  // The reviver sees every value of the file, so it is only used where it can matter.
  if (!/"value(_two)?":\s*\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text, keepLongNumbers as (key: string, value: unknown) => unknown);
}

// Only what seccomp compares with needs all 64 bits; limits may be rounded.
function keepLongNumbers(key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || context.source === undefined) return value;
  return key === "value" || key === "value_two" ? rawJSON(context.source) : value;
}

/** Values to JSON. A limit of 2^63-1 that became 2^63 as a double is put right: Go refuses the file otherwise. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, member) => typeof member === "number" && member >= 2 ** 63 ? LARGEST : member);
}
