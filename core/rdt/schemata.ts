/** The `schemata` of a class: lines such as "L3:0=ffff0;1=3ff" and "MB:0=20;1=70". */

import type { IntelRdt } from "../spec/types.ts";
import { readText, writeText } from "./files.ts";

/** The lines that a config asks for, in the order in which the kernel is to see them: of two about the same, the last counts. */
export function wantedLines({ l3CacheSchema = "", memBwSchema = "", schemata = [] }: IntelRdt): string[] {
  return lines([l3CacheSchema, memBwSchema, ...schemata].join("\n"));
}

/** Writes lines to a class, all at once. @throws {RunoError} with what the kernel has against them */
export function writeSchemata(path: string, lines: readonly string[]): void {
  if (lines.length > 0) writeText(`${path}/schemata`, lines.map((line) => `${line}\n`).join(""));
}

/** The lines of a class as they are. @throws {RunoError} */
export function readSchemata(path: string): string[] {
  return lines(readText(`${path}/schemata`));
}

/** The kernel pads them with blanks. */
function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** Of the lines as they are, those of the resources that others name: what to write to take the others back. */
export function sameResources(present: readonly string[], lines: readonly string[]): string[] {
  const names = new Set(lines.map(resourceOf));
  return present.filter((line) => names.has(resourceOf(line)));
}

function resourceOf(line: string): string {
  return line.slice(0, line.indexOf(":")).trim();
}

/**
 * The first share that is not what a class has, such as "L3:1=3ff"; undefined when all are.
 * @param step in percent, of bandwidth: the kernel rounds up to it
 */
export function differentShare(
  wanted: readonly string[],
  present: readonly string[],
  step: bigint,
): string | undefined {
  const has = parseShares(present);
  for (const [resource, shares] of parseShares(wanted)) {
    for (const [domain, share] of shares) {
      const other = has.get(resource)?.get(domain);
      if (other === undefined || !isSame(resource, share, other, step)) return `${resource}:${domain}=${share}`;
    }
  }
  return undefined;
}

/** Shares by resource and domain. */
function parseShares(lines: readonly string[]): Map<string, Map<string, string>> {
  const resources = new Map<string, Map<string, string>>();
  for (const line of lines) {
    const resource = resourceOf(line), shares = resources.get(resource) ?? new Map<string, string>();
    for (const entry of line.slice(line.indexOf(":") + 1).split(";").filter((entry) => entry.trim() !== "")) {
      const [domain = "", share = ""] = entry.split("=").map((part) => part.trim());
      shares.set(String(number(domain) ?? domain), share);
    }
    resources.set(resource, shares);
  }
  return resources;
}

function isSame(resource: string, share: string, other: string, step: bigint): boolean {
  // bandwidth is a number, caches are bits
  const isBandwidth = resource.endsWith("MB") || resource.endsWith("MBA");
  const [one, two] = [share, other].map((text) => number(isBandwidth ? text : `0x${text.replace(/^0x/i, "")}`));
  if (one === undefined || two === undefined) return false;
  return one === two || (isBandwidth && step > 0n && (one + step - 1n) / step * step === two);
}

function number(text: string): bigint | undefined {
  return /^(\d+|0x[\da-f]+)$/i.test(text) ? BigInt(text) : undefined;
}
