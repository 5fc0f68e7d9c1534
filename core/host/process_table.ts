/** The table of ps(1), cut down to some processes. */

import { RunoError } from "../error.ts";
import { findTool } from "./tools.ts";

/**
 * Runs the host's ps and keeps its heading and the lines of these processes.
 * @param args of ps; the output must have a column PID
 * @throws {RunoError}
 */
export function processTable(pids: readonly number[], args: readonly string[]): string {
  const ps = findTool("ps");
  if (ps === undefined) throw new RunoError("finding ps in PATH", { hint: "install procps, or use --format json" });
  const { code, stdout, stderr } = new Deno.Command(ps, { args: [...args], stdin: "null" }).outputSync();
  const decoder = new TextDecoder();
  if (code !== 0) {
    throw new RunoError(`running "ps ${args.join(" ")}": exit status ${code}: ${decoder.decode(stderr).trim()}`);
  }
  return filterTable(decoder.decode(stdout), new Set(pids));
}

/** The heading and the lines whose column PID holds one of these. */
export function filterTable(table: string, pids: ReadonlySet<number>): string {
  const [heading = "", ...lines] = table.split("\n");
  const column = heading.trim().split(/\s+/).indexOf("PID");
  // the words are runc's
  if (column < 0) throw new RunoError("couldn't find PID field in ps output", { kind: "invalid" });
  const kept = lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])));
  return [heading, ...kept].map((line) => `${line}\n`).join("");
}
