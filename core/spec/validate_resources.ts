/** The rules of resources alone: for `update`. */

import { assertNoErrors, Findings, type Problem, type Report } from "./problem.ts";
import type { Resources } from "./types.ts";
import { checkResources } from "./validate/resources.ts";
import { checkNullBytes } from "./validate/text.ts";

/** All broken rules of the resources that `update --resources` sets. */
export function validateResources(resources: Resources): Report {
  const found = new Findings();
  checkNullBytes(resources, "", found);
  checkResources(resources, "", found);
  return found;
}

/** `assertValid()` for the resources of `update --resources`. */
export function assertValidResources(resources: Resources, path: string): readonly Problem[] {
  return assertNoErrors(validateResources(resources), path);
}
