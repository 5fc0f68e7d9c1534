/** JSON text to a value of a shape, with everything that is wrong with it. */

import { RunoError } from "../error.ts";
import { parseJson } from "./json.ts";
import { describe, type Problem, type Report } from "./problem.ts";
import { fit, type Shape } from "./shape.ts";

/** A value of this shape; rules that go beyond shape are looked at only when the shape is wrong. @throws {RunoError} */
export function parseAs<T>(text: string, path: string, shape: Shape, validate: (value: T) => Report): T {
  const { value, misshapen, broken } = examine(text, path, shape, validate);
  if (misshapen.length === 0) return value;
  const problems = [...misshapen, ...broken().errors];
  throw new RunoError(describe(path, problems), { kind: "invalid", pointer: problems[0]?.pointer });
}

/** The value as far as it has the shape, what has not, and the rules that are broken beside that. */
export function examine<T>(text: string, path: string, shape: Shape, validate: (value: T) => Report) {
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
