/** The lines of a schemata file: "L3:0=ffff0;1=3ff", "MB:0=70". */

import { RunoError } from "../error.ts";
import type { IntelRdt } from "../spec/types.ts";

/** The lines that a config asks for, in the order in which they are written. */
export function wantedLines({ l3CacheSchema = "", memBwSchema = "", schemata = [] }: IntelRdt): string[] {
  return [...l3CacheSchema.split("\n"), ...memBwSchema.split("\n"), ...schemata].filter((line) => line !== "");
}

/** Writes lines to a group, all at once. @throws {RunoError} with what the kernel has against them */
export function writeSchemata(root: string, path: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  try {
    Deno.writeTextFileSync(`${path}/schemata`, `${lines.join("\n")}\n`);
  } catch (error) {
    throw new RunoError(`writing "${lines.join("\\n")}" to "${path}/schemata"`, {
      cause: error,
      hint: lastStatus(root),
    });
  }
}

/** The kernel's own words about the last command. */
function lastStatus(root: string): string | undefined {
  try {
    const text = Deno.readTextFileSync(`${root}/info/last_cmd_status`).trim();
    return text === "" || text === "ok" ? undefined : `last_cmd_status: ${text}`;
  } catch {
    return undefined;
  }
}

/** The lines of a group as they are. @throws {RunoError} */
export function readSchemata(path: string): string[] {
  try {
    return Deno.readTextFileSync(`${path}/schemata`).split("\n").map((line) => line.trim())
      .filter((line) => line !== "");
  } catch (error) {
    throw new RunoError(`reading "${path}/schemata"`, { cause: error });
  }
}

/** Of the lines as they are, those of the resources that others name: what to write to take the others back. */
export function sameResources(present: readonly string[], lines: readonly string[]): string[] {
  const names = new Set(lines.map(resourceOf));
  return present.filter((line) => names.has(resourceOf(line)));
}

/** Whether a group has what lines ask for; what they do not name may be anything. */
export function satisfies(present: readonly string[], lines: readonly string[]): boolean {
  const values = new Map(present.map((line) => [resourceOf(line), domains(line)]));
  return lines.every((line) =>
    [...domains(line)].every(([domain, value]) => values.get(resourceOf(line))?.get(domain) === value)
  );
}

function resourceOf(line: string): string {
  return line.slice(0, line.indexOf(":")).trim();
}

/** Values by domain, cache masks without leading zeros. */
function domains(line: string): Map<string, string> {
  const pairs = line.slice(line.indexOf(":") + 1).split(";").map((pair) => pair.trim().split("="));
  return new Map(pairs.map(([domain = "", value = ""]) => [domain.trim(), value.trim().replace(/^0+(?=.)/, "")]));
}
