/** Reading and writing files of resctrl; errors tell what the kernel itself says about its last refusal. */

import { errnoOf, RunoError } from "../error.ts";

/** Whether there is such a file or directory. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
    throw new RunoError(`looking at "${path}"`, { cause: error });
  }
}

/** The content without blanks around it. @throws {RunoError} */
export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (error) {
    throw new RunoError(`reading "${path}"`, { cause: error });
  }
}

/** The same, or undefined when there is no such file. */
export function readIfThere(path: string): string | undefined {
  return exists(path) ? readText(path) : undefined;
}

/** Writes all lines in one write(2). @throws {RunoError} */
export function writeText(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text);
  } catch (error) {
    throw refused(`writing ${JSON.stringify(text)} to "${path}"`, path, error);
  }
}

/** Makes a group; false when it is there already. @throws {RunoError} */
export function makeDirectory(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw refused(`making "${path}"`, path, error);
  }
}

/** Removes a group and those in it: its tasks are back in the one above. None is fine. @throws {RunoError} */
export function removeDirectory(path: string): void {
  try {
    // rmdir(2): the files in it are the kernel's, and go with it
    Deno.removeSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw refused(`removing "${path}"`, path, error);
  }
}

function refused(phrase: string, path: string, cause: unknown): RunoError {
  return new RunoError(phrase, { cause, hint: lastStatus(path) });
}

/** What the kernel says beyond the errno. It says so at the root of resctrl, which is some directory above. */
function lastStatus(path: string): string | undefined {
  for (let dir = parent(path); dir !== ""; dir = parent(dir)) {
    const status = statusAt(dir);
    if (status !== undefined) return status === "" || status === "ok" ? undefined : `last_cmd_status: ${status}`;
  }
  return undefined;
}

function statusAt(dir: string): string | undefined {
  try {
    return readIfThere(`${dir}/info/last_cmd_status`);
  } catch {
    // the errno alone has to do
    return undefined;
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
