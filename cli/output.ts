/** Stdout and stderr, in whole texts. */

import { errnoOf } from "../core/error.ts";

const encoder = new TextEncoder();

/** Writes to stdout. A reader that has gone (`| head`) is no error. */
export function print(text: string): void {
  write(Deno.stdout, text);
}

/** Writes to stderr. */
export function printError(text: string): void {
  write(Deno.stderr, text);
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let done = 0; done < bytes.length;) done += to.writeSync(bytes.subarray(done));
  } catch (error) {
    if (errnoOf(error) !== "EPIPE") throw error;
  }
}
