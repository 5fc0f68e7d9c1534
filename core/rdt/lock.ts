/** Several files of resctrl are changed in one go: flock(2) on its root, as Documentation/filesystems/resctrl.rst asks for. */

import { RunoError } from "../error.ts";
import { sleep } from "../sleep.ts";

/** Whoever can read the root can hold the lock for ever: containers do not wait for that. */
const LONGEST_WAIT_MS = 1000;
const POLL_MS = 2;

/** Waits for its turn, and takes it after a second in any case. @throws {RunoError} */
export function lockResctrl(root: string): Disposable {
  const file = open(root);
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (!file.tryLockSync(true) && performance.now() < deadline) {
    sleep(POLL_MS);
  }
  return file;
}

function open(root: string): Deno.FsFile {
  try {
    return Deno.openSync(root, { read: true });
  } catch (error) {
    throw new RunoError(`opening "${root}"`, { cause: error });
  }
}
