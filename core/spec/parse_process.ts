/** Text of a process file to a typed value. */

import { parseAs } from "./read.ts";
import { PROCESS } from "./schema/process.ts";
import type { Process } from "./types.ts";
import { validateProcess } from "./validate_process.ts";

/** Read the process file of `exec --process`, as `parseSpec()` reads a config. */
export function parseProcess(text: string, path: string): Process {
  return parseAs<Process>(text, path, PROCESS, validateProcess);
}
