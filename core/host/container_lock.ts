/**
 * One command at a time on a container: flock(2) on its state directory itself. So no file is left for runc to stumble
 * over, the lock goes when the directory goes, and the kernel frees it when its holder dies in whatever way.
 *
 * `create`, `start` and `delete` take it; `state`, `list`, `kill`, `exec`, `pause` never do, for state.json is replaced in
 * one step and a pidfd cannot hit the wrong process. Nobody may wait without end: `start` watches the pidfd of init while
 * it waits for the FIFO, so `delete --force` kills init first and takes the lock then. Hooks run under the lock; one that
 * calls a locking command on its own container gets an error after the timeout instead of a deadlock.
 */

import { errnoOf, RunoError } from "../error.ts";
import { sleep } from "../sleep.ts";

/** What `lockContainer()` may be told. */
export interface LockOptions {
  /** How long to wait for another command, 10 s unless given. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const POLL_MS = 2;

/**
 * Lock a container by its state directory, until disposed.
 *
 * @throws {RunoError} `not-found` when the directory is gone (who waited for a `delete` learns it so), `state` on timeout
 */
export function lockContainer(dir: string, options: LockOptions = {}): Disposable {
  const deadline = performance.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  for (;;) {
    const held = tryLock(dir);
    if (held !== undefined) return held;
    if (performance.now() >= deadline) {
      throw new RunoError(`locking "${dir}": another command is at work on the container`, { kind: "state" });
    }
    sleep(POLL_MS);
  }
}

/** Whether another command holds the lock right now. */
export function isLocked(dir: string): boolean {
  try {
    const held = tryLock(dir);
    held?.[Symbol.dispose]();
    return held === undefined;
  } catch (error) {
    if (error instanceof RunoError && error.kind === "not-found") return false;
    throw error;
  }
}

function tryLock(dir: string): Disposable | undefined {
  const file = open(dir);
  let held = false;
  try {
    held = file.tryLockSync(true) && isSame(file, dir);
  } finally {
    if (!held) file.close();
  }
  return held ? file : undefined;
}

function open(dir: string): Deno.FsFile {
  try {
    return Deno.openSync(dir, { read: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new RunoError("container does not exist", { kind: "not-found" });
    throw new RunoError(`locking "${dir}"`, { cause: error });
  }
}

// The directory may have been deleted, and made anew, between open and lock: then this is the lock of nothing.
function isSame(file: Deno.FsFile, dir: string): boolean {
  try {
    const [mine, current] = [file.statSync(), Deno.statSync(dir)];
    return mine.ino === current.ino && mine.dev === current.dev;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw new RunoError(`looking at "${dir}"`, { cause: error });
  }
}
