/** The first process of a container that exists, by state.json. */

import { SIGKILL } from "../../ffi/abi.ts";
import type { Fd } from "../../ffi/fd.ts";
import { pidfdOpen, pidfdSignal, reapIfEnded, waitEnded } from "../../ffi/spawn.ts";
import { thawCgroup } from "../cgroup/freezer.ts";
import type { Cgroup } from "../cgroup/paths.ts";
import { signalCgroup } from "../cgroup/processes.ts";
import { errnoOf, RunoError } from "../error.ts";
import { isInitAlive, isPaused } from "./container.ts";
import { reapDetached } from "./detached.ts";
import { processStat } from "./procfs.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import type { StateFile } from "./state_file.ts";

/** How long init has to die of SIGKILL. */
const KILL_TIMEOUT_MS = 10_000;
const TURN_MS = 20;
/** How long it takes at most where nobody holds it up. */
const PATIENCE_MS = 1000;

/** A descriptor of init, made sure to be no other process that got its number. */
export function openInit(state: StateFile): Fd | undefined {
  let pidfd: Fd;
  try {
    pidfd = pidfdOpen(state.init_process_pid);
  } catch {
    return undefined;
  }
  if (isInitAlive(state)) return pidfd;
  pidfd[Symbol.dispose]();
  return undefined;
}

/** Kills init, and waits until it has ended. */
export function killInit(state: StateFile): void {
  stopCreator(state);
  using pidfd = openInit(state);
  if (pidfd === undefined) return;
  try {
    pidfdSignal(pidfd, SIGKILL);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return;
    throw new RunoError(`unable to kill init ${state.init_process_pid}`, { cause: error });
  }
  if (isPaused(state)) thawCgroup(recordedCgroup(state));
  if (!waitForInit(pidfd, recordedCgroup(state))) {
    throw new RunoError("container init still running", {
      hint: `process ${state.init_process_pid} does not die of SIGKILL`,
    });
  }
}

/** Init has been a child of this process where that is a program that made the container with the library. */
export function reapInit({ init_process_pid, init_process_start }: StateFile): void {
  if (processStat(init_process_pid)?.startTime === init_process_start) reapIfEnded(init_process_pid);
}

/**
 * Waits in short turns, for init may itself wait for zombies that are this process' to reap, or for those of a CRIU in the
 * container's cgroup that lost its runo in the midst of a restore and traces them: that is killed as well.
 */
function waitForInit(pidfd: Fd, cgroup: Cgroup): boolean {
  for (let left = KILL_TIMEOUT_MS; left > 0; left -= TURN_MS) {
    if (waitEnded(pidfd, TURN_MS)) return true;
    reapDetached();
    if (left === KILL_TIMEOUT_MS - PATIENCE_MS) signalCgroup(cgroup, SIGKILL);
  }
  return false;
}

/** A `create` that is still at work: its end ends the init that it makes. */
function stopCreator({ runo }: StateFile): void {
  const creator = runo?.creator;
  if (creator === undefined) return;
  try {
    using pidfd = pidfdOpen(creator.pid);
    if (processStat(creator.pid)?.startTime !== creator.startTime || creator.pid === Deno.pid) return;
    pidfdSignal(pidfd, SIGKILL);
    waitEnded(pidfd, KILL_TIMEOUT_MS);
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") {
      throw new RunoError(`ending process ${creator.pid}, which creates the container`, { cause: error });
    }
  }
}
