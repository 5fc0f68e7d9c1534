/** What is wrong with a config, and where. */

import { RunoError } from "../error.ts";

/** One fault. */
export interface Problem {
  /** JSON pointer (RFC 6901) into the file; "" is the whole of it. */
  readonly pointer: string;
  /** Lower case, no full stop, one line. */
  readonly message: string;
}

/** Everything that was found. A warning does not keep a container from running. */
export interface Report {
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** A report being written. */
export class Findings implements Report {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];

  error(pointer: string, message: string): void {
    this.errors.push({ pointer, message });
  }

  warn(pointer: string, message: string): void {
    this.warnings.push({ pointer, message });
  }
}

/** The pointer to something below `pointer`. */
export function at(pointer: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => `${path}/${escapeKey(String(key))}`, pointer);
}

function escapeKey(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** All problems of one file as one line: `config.json: /process/cwd: must be an absolute path; /root: ...`. */
export function describe(path: string, problems: readonly Problem[]): string {
  const parts = problems.map(({ pointer, message }) => pointer === "" ? message : `${pointer}: ${message}`);
  return `${path}: ${parts.join("; ")}`;
}

/** Refuse what was found, if there are errors. @returns the warnings @throws {RunoError} of kind "invalid" that names every problem */
export function assertNoErrors({ errors, warnings }: Report, path: string): readonly Problem[] {
  if (errors.length > 0) throw new RunoError(describe(path, errors), { kind: "invalid", pointer: errors[0]?.pointer });
  return warnings;
}
