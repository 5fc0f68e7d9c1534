/** Where limits are written to. What is written can be taken back, so that a failed update leaves everything as it was. */

import { errnoOf } from "../error.ts";
import { exists, readIfThere, readValue, writeValue } from "./files.ts";

/** Takes one write back. */
export type Undo = () => void;

/** The directory of a cgroup. */
export interface Target {
  readonly path: string;
  /** Gets an entry for every write; absent when a failure removes the whole cgroup anyway. */
  readonly undo: Undo[] | undefined;
}

/** What may be said about a write. */
export interface WriteOptions {
  /** Likely fixes by errno. */
  readonly hints?: Readonly<Record<string, string>>;
  /** What to write, one by one, to get back to the content that the file has now; that content itself unless given. */
  readonly restore?: (content: string) => readonly string[];
}

/**
 * Writes a limit.
 * @throws {RunoError}
 */
export function writeLimit({ path, undo }: Target, file: string, value: string, options: WriteOptions = {}): void {
  const name = `${path}/${file}`;
  const before = undo === undefined ? undefined : readable(name);
  writeValue(name, value, options.hints);
  if (before === undefined) return;
  const restore = options.restore ?? ((content) => [content]);
  // an empty write(2) would not reach the kernel
  undo?.push(() => restore(before).forEach((old) => writeValue(name, old === "" ? "\n" : old)));
}

/** Before a write that makes the kernel forget what another file has: taking the write back brings that back, too. */
export function keepLines({ path, undo }: Target, file: string, lines: (content: string) => readonly string[]): void {
  const name = `${path}/${file}`, before = undo === undefined ? undefined : readable(name);
  if (before !== undefined) undo?.push(() => lines(before).forEach((line) => writeValue(name, line)));
}

/** Some files can only be written. */
function readable(path: string): string | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    if (errnoOf(error) === "EINVAL" || errnoOf(error) === "EACCES") return undefined;
    throw error;
  }
}

/** The content of one of the cgroup's files. */
export function readFile({ path }: Target, file: string): string {
  return readValue(`${path}/${file}`);
}

/** Whether this kernel has the file. */
export function hasFile({ path }: Target, file: string): boolean {
  return exists(`${path}/${file}`);
}

/** Takes all writes back, the last one first: so every step is a state that the kernel has accepted before. */
export function undoAll(undo: Undo[]): void {
  for (const take of undo.splice(0).reverse()) take();
}
