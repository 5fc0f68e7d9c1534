/** Text of `config.json` and its relatives to typed values. */

import { RunoError } from "../error.ts";
import { parseJson } from "./json.ts";
import { describe, type Problem, type Report } from "./problem.ts";
import { PROCESS, RESOURCES, SPEC } from "./schema.ts";
import { fit, type Shape } from "./shape.ts";
import type { Process, Resources, Spec } from "./types.ts";
import { validateProcess, validateResources, validateSpec } from "./validate.ts";

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

/** Read the process file of `exec --process`, as `parseSpec()` reads a config. */
export function parseProcess(text: string, path: string): Process {
  return parseAs<Process>(text, path, PROCESS, validateProcess);
}

/** Read the resources file of `update --resources`, as `parseSpec()` reads a config. */
export function parseResources(text: string, path: string): Resources {
  return parseAs<Resources>(text, path, RESOURCES, validateResources);
}

function parseAs<T>(text: string, path: string, shape: Shape, validate: (value: T) => Report): T {
  const problems: Problem[] = [];
  const value = fit(readJson(text, path), shape, "", problems) as T;
  if (problems.length === 0) return value;
  const broken = validate(value).errors.filter(({ pointer }) => !problems.some((shape) => related(shape, pointer)));
  throw new RunoError(describe(path, [...problems, ...broken]), { kind: "invalid", pointer: problems[0]?.pointer });
}

function readJson(text: string, path: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new RunoError(path, { kind: "invalid", cause });
  }
}

// A rule broken by a value that was left out for its shape, or by what holds it, is only an echo.
function related(shape: Problem, pointer: string): boolean {
  return `${shape.pointer}/`.startsWith(`${pointer}/`) || `${pointer}/`.startsWith(`${shape.pointer}/`);
}

// runc: a profile with neither a default action nor rules means that there is none
function withoutEmptySeccomp(spec: Spec): Spec {
  const seccomp = spec.linux?.seccomp;
  if (seccomp === undefined || seccomp.defaultAction || seccomp.syscalls?.length) return spec;
  const { seccomp: _, ...linux } = spec.linux ?? {};
  return { ...spec, linux };
}
