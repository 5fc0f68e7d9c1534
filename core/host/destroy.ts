/** Taking a container apart. */

import { detachMount } from "../../ffi/file.ts";
import { removeCgroup } from "../cgroup/directories.ts";
import { killCgroup } from "../cgroup/processes.ts";
import { errnoOf, RunoError } from "../error.ts";
import { type Container, removeStateDir } from "./container.ts";
import { containerHookState } from "./hook_state.ts";
import { killInit, reapInit } from "./init_process.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import { ownRdtGroups, recordedDriver, recordedHooks } from "./state_file.ts";

/** Removes what the container has: processes, cgroups, mounts, directory; then the poststop hooks run. */
export async function destroy(container: Container, warn: (message: string) => void): Promise<void> {
  const { dir, state } = container;
  killInit(state);
  reapInit(state);
  // processes that outlived init: those of a shared pid namespace, and an init whose creator was killed
  killCgroup(recordedCgroup(state));
  if (recordedDriver(state) === "systemd") (await import("./units.ts")).endUnit(state, warn);
  removeCgroup(recordedCgroup(state));
  const groups = ownRdtGroups(state);
  if (groups.length > 0) (await import("../rdt/group.ts")).removeGroups(groups);
  if (state.config.namespaces?.every(({ type }) => type !== "NEWNS") ?? true) unmount(state.config.rootfs);
  removeStateDir(dir);
  // the container is gone whatever they do: their failures are no errors
  const hooks = recordedHooks(state).poststop ?? [];
  if (hooks.length === 0) return;
  const { runAllHooks } = await import("./hooks.ts");
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
