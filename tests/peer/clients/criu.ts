/** Checkpoints by clients: they, and runc, take the CRIU that they find in PATH. */

import { findCriu } from "../../../scripts/provision/criu.ts";
import { installed } from "./command.ts";

/** What goes before a client's command, or why its checkpoints cannot be tested. */
export async function withCriu(client: string): Promise<{ readonly before: readonly string[] } | { missing: string }> {
  if (Deno.uid() !== 0) return { missing: "it needs root" };
  for (const program of [client, "runc"]) {
    if (!await installed(program)) return { missing: `it needs ${program}` };
  }
  const found = findCriu();
  if ("missing" in found) return found;
  const bin = found.criu.slice(0, found.criu.lastIndexOf("/"));
  return { before: ["env", `PATH=${bin}:${Deno.env.get("PATH") ?? ""}`] };
}

/** Asks again until it is so. @throws {Error} when that takes too long */
export async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 600; n++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waiting for ${what}`);
}

/** A shell script that ends when it is told to, and counts: a line for each number, and the last one in a file. */
export const COUNTING =
  "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; echo $i > /root/count; sleep 0.05; done";
