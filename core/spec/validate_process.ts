/** The rules of a process alone: for `exec`, which does without those of a whole config. */

import { assertNoErrors, Findings, type Problem, type Report } from "./problem.ts";
import type { Process } from "./types.ts";
import { checkProcess } from "./validate/process.ts";
import { checkNullBytes } from "./validate/text.ts";

/** All broken rules of a process that `exec --process` runs. */
export function validateProcess(process: Process): Report {
  const found = new Findings();
  checkNullBytes(process, "", found);
  checkProcess(process, "", found);
  return found;
}

/** `assertValid()` for the process of `exec --process`. */
export function assertValidProcess(process: Process, path: string): readonly Problem[] {
  return assertNoErrors(validateProcess(process), path);
}
