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
  const { value, misshapen, broken } = examine(text, path, shape, validate);
  if (misshapen.length === 0) return value;
  const problems = [...misshapen, ...broken().errors];
  throw new RunoError(describe(path, problems), { kind: "invalid", pointer: problems[0]?.pointer });
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

/** The value as far as it has the shape, what has not, and the rules that are broken beside that. */
function examine<T>(text: string, path: string, shape: Shape, validate: (value: T) => Report) {
  const misshapen: Problem[] = [];
  const value = fit(readJson(text, path), shape, "", misshapen) as T;
  const broken = (): Report => {
    const { errors, warnings } = validate(value);
    return {
      errors: errors.filter(({ pointer }) => !misshapen.some((shape) => related(shape, pointer))),
      warnings,
    };
  };
  return { value, misshapen, broken };
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
