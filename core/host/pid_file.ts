/** The pid file: digits and nothing else, in place in one step. Callers read it while it is written. */

import { RunoError } from "../error.ts";

/** Writes the pid of init. @throws {RunoError} */
export function writePidFile(path: string, pid: number): void {
  const slash = path.lastIndexOf("/");
  const temporary = `${path.slice(0, slash)}/.${path.slice(slash + 1)}`;
  try {
    Deno.removeSync(temporary);
  } catch {
    // a left-over of a writer that was killed; there usually is none
  }
  try {
    // a mode that is named would be set whatever the umask says
    Deno.writeTextFileSync(temporary, String(pid), { createNew: true });
    Deno.renameSync(temporary, path);
  } catch (error) {
    throw new RunoError(`writing pid file "${path}"`, { cause: error });
  }
}
