/** Text of `config.json` to typed values. */

import type { Report } from "./problem.ts";
import { examine, parseAs } from "./read.ts";
import { SPEC } from "./schema.ts";
import type { Spec } from "./types.ts";
import { validateSpec } from "./validate.ts";

/**
 * Read a `config.json`. Unknown fields are ignored, as are nulls and optional texts that are empty. The rules that go
 * beyond shape are not applied to a well-shaped file: `assertValid()` does that.
 *
 * @param path how the file is called in errors
 * @throws {RunoError} of kind "invalid": where the JSON breaks, or every misshapen value together with every broken rule
 */
export function parseSpec(text: string, path: string): Spec {
  return withoutEmptySeccomp(parseAs<Spec>(text, path, SPEC, (spec) => validateSpec(withoutEmptySeccomp(spec))));
}

/** A config, however bad, and everything that is wrong with it. */
export interface Examined extends Report {
  readonly value: Spec;
}

/**
 * Read a `config.json` for somebody who wants to know all about it.
 *
 * @throws {RunoError} of kind "invalid" when it is no JSON
 */
export function examineSpec(text: string, path: string): Examined {
  const validate = (spec: Spec) => validateSpec(withoutEmptySeccomp(spec));
  const { value, misshapen, broken } = examine(text, path, SPEC, validate);
  const { errors, warnings } = broken();
  return { value: withoutEmptySeccomp(value), errors: [...misshapen, ...errors], warnings };
}

// runc: a profile with neither a default action nor rules means that there is none
function withoutEmptySeccomp(spec: Spec): Spec {
  const seccomp = spec.linux?.seccomp;
  if (seccomp === undefined || seccomp.defaultAction || seccomp.syscalls?.length) return spec;
  const { seccomp: _, ...linux } = spec.linux ?? {};
  return { ...spec, linux };
}
