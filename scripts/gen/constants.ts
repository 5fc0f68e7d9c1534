/** The constants of ffi/abi.ts by name, for `runo plan`. */

import * as abi from "../../ffi/abi.ts";

const FILE = "core/program/constants.ts";
const BY_ARCH = "_BY_ARCH";

type Constant = number | bigint | readonly number[];

/** Names and values, [x86_64, aarch64] where they differ. */
export function namedConstants(): Record<string, Constant> {
  const constants: Record<string, Constant> = {};
  for (const [name, value] of Object.entries(abi as Readonly<Record<string, unknown>>)) {
    if (typeof value === "number" || typeof value === "bigint") constants[name] = value;
    else if (name.endsWith(BY_ARCH)) constants[name.slice(0, -BY_ARCH.length)] = value as readonly number[];
  }
  return constants;
}

/** Writes core/program/constants.ts. */
export function constantNames(): readonly string[] {
  const lines = Object.entries(namedConstants()).map(([name, value]) => `  ${name}: ${literal(value)},\n`);
  Deno.writeTextFileSync(
    new URL(`../../${FILE}`, import.meta.url),
    `/**
 * The constants of ffi/abi.ts by name: [x86_64, aarch64] where they differ. Made by \`deno task gen\`: do not edit.
 * A copy, so that nothing but \`runo plan\` has to know the names: in the executable the numbers stand where they are used.
 */
export const CONSTANTS: Readonly<Record<string, number | bigint | readonly [number, number]>> = {
${lines.join("")}};
`,
  );
  return [FILE];
}

function literal(value: Constant): string {
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "number" ? String(value) : `[${value.join(", ")}]`;
}
