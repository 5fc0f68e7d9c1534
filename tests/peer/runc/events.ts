/** What `events --stats` of two runtimes say of one container, value by value. */

import { assertEquals } from "@std/assert";

/** As JSON.parse() makes it. */
type Json = null | string | number | boolean | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** Three samples of the same container, one after the other. */
export interface Samples {
  readonly before: Json;
  /** Of the runtime under test. */
  readonly between: Json;
  readonly after: Json;
}

/**
 * Insists that what one runtime says lies between what the other has said before and says after: a counter of a container
 * that runs cannot be anywhere else.
 * @param untold what the other does not tell, by path ("data.hugetlb")
 */
export function assertBetween(samples: Samples, untold: readonly string[] = []): void {
  const found = differences(samples, "").filter((line) => !untold.some((path) => line.startsWith(path)));
  assertEquals(found, []);
}

/** Pressure is told of since runc 1.2. */
const NEWER = ["psi"];

function differences(samples: Samples, path: string): string[] {
  const values = Object.values(samples);
  if (values.some(Array.isArray)) return ofLists(samples, path);
  if (values.some(isObject)) return ofObjects(samples, path);
  if (values.some((value) => typeof value === "number")) return ofNumbers(samples, path);
  return values.every((value) => value === samples.before) ? [] : [told(samples, path)];
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function told({ before, between, after }: Samples, path: string): string {
  const [first, own, last] = [before, between, after].map((value) => JSON.stringify(value));
  return `${path}: ${own}, not between ${first} and ${last}`;
}

function ofLists(samples: Samples, path: string): string[] {
  const { before = [], between = [], after = [] } = samples;
  const lists = [before, between, after];
  if (!lists.every(Array.isArray)) return [told(samples, path)];
  const [first, own, last] = lists as [Json[], Json[], Json[]];
  if (first.length !== own.length || last.length !== own.length) return [told(samples, path)];
  return own.flatMap((value, index) =>
    differences({ before: first[index]!, between: value, after: last[index]! }, `${path}[${index}]`)
  );
}

/** Most numbers are left out while they are 0: a counter may begin to count between two samples. */
const UNSET = 0;

function isAlwaysThere(value: Json | undefined): boolean {
  return value !== undefined && (typeof value !== "number" || value === UNSET);
}

function ofObjects({ before, between, after }: Samples, path: string): string[] {
  const [first, own, last] = [before, between, after].map((value) => isObject(value) ? value : {}) as [
    JsonObject,
    JsonObject,
    JsonObject,
  ];
  const keys = [...new Set([first, last, own].flatMap(Object.keys))].filter((key) => !NEWER.includes(key));
  const extra = keys.filter((key) => isAlwaysThere(own[key]) && !(key in first || key in last));
  const missing = keys.filter((key) => !(key in own) && isAlwaysThere(first[key]) && isAlwaysThere(last[key]));
  return [
    ...extra.map((key) => `${below(path, key)}: one too many`),
    ...missing.map((key) => `${below(path, key)}: missing`),
    ...[first, last].filter((other) => !sameOrder(own, other)).map((other) =>
      `${path}: not in the order ${keysOf(other)}`
    ),
    ...keys.flatMap((key) =>
      differences(
        { before: first[key] ?? UNSET, between: own[key] ?? UNSET, after: last[key] ?? UNSET },
        below(path, key),
      )
    ),
  ];
}

function below(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** Whether the keys that both have stand in the same order. */
function sameOrder(one: JsonObject, other: JsonObject): boolean {
  return keysOf(one).filter((key) => key in other).join() === keysOf(other).filter((key) => key in one).join();
}

function keysOf(object: JsonObject): string[] {
  return Object.keys(object);
}

/** What goes up and down, and by how much it may do so between two looks: pages in use, and processes that come and go. */
const GAUGES: readonly (readonly [pattern: RegExp, slack: number])[] = [
  // counters beside the bytes of memory.stat
  [/^data\.memory\.raw\.(total_)?(pg|workingset|thp|zswp|swp)/, 0],
  [/^data\.memory\.(cache$|\w+\.usage$|raw\.)/, 1 << 20],
  [/^data\.pids\.current$/, 2],
];

function ofNumbers(samples: Samples, path: string): string[] {
  const { before, between, after } = samples;
  if ([before, between, after].some((value) => typeof value !== "number")) return [told(samples, path)];
  const slack = GAUGES.find(([pattern]) => pattern.test(path))?.[1] ?? 0;
  const low = Math.min(Number(before), Number(after)) - slack, high = Math.max(Number(before), Number(after)) + slack;
  return Number(between) >= low && Number(between) <= high ? [] : [told(samples, path)];
}
