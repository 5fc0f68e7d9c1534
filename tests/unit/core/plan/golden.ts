/**
 * Golden tests of plans: their text is compared with files in golden/. A plan that changed on purpose is written anew by
 *
 *     UPDATE_GOLDEN=1 deno test -A tests/unit/core/plan
 *
 * and the difference is read before it is committed.
 */

import { assertEquals } from "@std/assert";

import type { CreateInputs } from "../../../../core/plan/inputs.ts";
import { planCreate } from "../../../../core/plan/create.ts";
import type { Assembly } from "../../../../core/program/assembly.ts";
import { explain } from "../../../../core/program/explain.ts";
import type { Changes } from "../spec/config.ts";
import { createInputs } from "./inputs.ts";

/** Compares a text with the file of that name. */
export function assertGolden(name: string, text: string): void {
  const file = new URL(`golden/${name}.txt`, import.meta.url);
  if (Deno.env.has("UPDATE_GOLDEN")) Deno.writeTextFileSync(file, text);
  assertEquals(text, Deno.readTextFileSync(file), `golden/${name}.txt differs`);
}

/** A step with its calls. */
type Block = readonly [step: string, ...calls: string[]];

/** The steps of a program; no numbers of instructions, which any step before would change. */
function blocks(program: Assembly): Block[] {
  return explain(program).map(({ step, pointer, calls }) => [
    pointer === undefined ? step : `${step}  [${pointer}]`,
    ...calls.map(({ call, args, result, otherwise }) => {
      const into = result === undefined ? "" : ` -> ${result}`;
      const or = otherwise === undefined ? "" : `  (${otherwise.replace(/go to \d+/, "go to")})`;
      return `    ${call}(${call === "munmap" ? "spent instructions" : args.join(", ")})${into}${or}`;
    }),
  ]);
}

/** All steps of a program. */
export function planText(program: Assembly): string {
  return blocks(program).flat().map((line) => `${line}\n`).join("");
}

/** How the plan of `create` for a changed config differs from that for the default one; see `difference()`. */
export function planDifference(changes: Changes, others: Partial<CreateInputs> = {}): string {
  return difference(planCreate(createInputs()), planCreate(createInputs(changes, others)));
}

/** Whole steps that come in ("+"), names of those that go ("-"), and of those that stay the calls that come and go. */
export function difference(one: Assembly, other: Assembly): string {
  const before = blocks(one), after = blocks(other);
  const names = (list: readonly Block[]) => list.map(([name]) => name);
  const lines = compare(names(before), names(after), (i, j) => {
    if (j < 0) return [`- ${before[i]![0]}`];
    if (i < 0) return after[j]!.map((line) => `+ ${line}`);
    const inner = compare(
      before[i]!,
      after[j]!,
      (k, l) => l < 0 ? [`- ${before[i]![k]}`] : k < 0 ? [`+ ${after[j]![l]}`] : [],
    );
    return inner.length === 0 ? [] : [`  ${after[j]![0]}`, ...inner];
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** Lines for each pair of indexes in two lists; -1 where one of them has no such entry. */
function compare(
  before: readonly string[],
  after: readonly string[],
  lines: (i: number, j: number) => readonly string[],
): string[] {
  const out: string[] = [];
  let b = 0, a = 0;
  for (const [i, j] of [...longestCommon(before, after), [before.length, after.length] as const]) {
    while (b < i) out.push(...lines(b++, -1));
    while (a < j) out.push(...lines(-1, a++));
    if (i < before.length) out.push(...lines(b++, a++));
  }
  return out;
}

/** Indexes of the longest list that both have in common. */
function longestCommon(one: readonly string[], other: readonly string[]): (readonly [number, number])[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      lengths[i]![j] = one[i] === other[j]
        ? lengths[i + 1]![j + 1]! + 1
        : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < one.length && j < other.length;) {
    if (one[i] === other[j]) pairs.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return pairs;
}
