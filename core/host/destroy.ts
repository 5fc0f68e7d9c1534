/** Taking a container apart. */

import { SIGKILL } from "../../ffi/abi.ts";
import type { Fd } from "../../ffi/fd.ts";
import { detachMount } from "../../ffi/file.ts";
import { pidfdOpen, pidfdSignal, waitEnded } from "../../ffi/spawn.ts";
import { removeCgroup } from "../cgroup/create.ts";
import { thawCgroup } from "../cgroup/freezer.ts";
import { killCgroup } from "../cgroup/processes.ts";
import { errnoOf, RunoError } from "../error.ts";
import { recordedCgroup } from "./cgroups.ts";
import { type Container, isInitAlive, isPaused, removeStateDir } from "./container.ts";
import { containerHookState, runAllHooks } from "./hooks.ts";
import { processStat } from "./procfs.ts";
import { recordedHooks, type StateFile } from "./state_file.ts";

/** How long init has to die of SIGKILL. */
const KILL_TIMEOUT_MS = 10_000;

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
  if (!waitEnded(pidfd, KILL_TIMEOUT_MS)) {
    throw new RunoError("container init still running", {
      hint: `process ${state.init_process_pid} does not die of SIGKILL`,
    });
  }
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

/** Removes what the container has: processes, cgroups, mounts, directory; then the poststop hooks run. */
export function destroy(container: Container, warn: (message: string) => void): void {
  const { dir, state } = container;
  killInit(state);
  const cgroup = recordedCgroup(state);
  // processes that outlived init: those of a shared pid namespace, and an init whose creator was killed
  killCgroup(cgroup);
  removeCgroup(cgroup);
  if (state.config.namespaces?.every(({ type }) => type !== "NEWNS") ?? true) unmount(state.config.rootfs);
  removeStateDir(dir);
  // the container is gone whatever they do: their failures are no errors
  const hooks = recordedHooks(state).poststop ?? [];
  for (const failure of runAllHooks("poststop", hooks, containerHookState(container, "stopped"))) warn(failure);
}

/** Without a mount namespace of its own the container's mounts are the host's, all below its root. */
function unmount(rootfs: string): void {
  try {
    detachMount(rootfs);
  } catch (error) {
    // not a mount (any more)
    if (errnoOf(error) !== "EINVAL" && errnoOf(error) !== "ENOENT") {
      throw new RunoError(`unmounting "${rootfs}"`, { cause: error });
    }
  }
}
