/** `pause` and `resume`. */

import { freezeCgroup, thawCgroup } from "../cgroup/freezer.ts";
import { errnoOf, RunoError } from "../error.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import { containerStatus, loadContainer } from "./container.ts";
import type { HostOptions } from "./options.ts";

/**
 * Freezes all processes of a container.
 * @throws {RunoError} `not-found`; `state` "container not running" unless it is created or running; and then none is frozen
 */
export function pauseContainer(host: HostOptions, id: string): void {
  const container = loadContainer(host.root, id);
  const status = containerStatus(container);
  if (status !== "running" && status !== "created") throw new RunoError("container not running", { kind: "state" });
  toggle(host, "pausing", () => freezeCgroup(recordedCgroup(container.state)));
}

/**
 * Lets the processes of a paused container go on.
 * @throws {RunoError} `not-found`; `state` "container not paused"
 */
export function resumeContainer(host: HostOptions, id: string): void {
  const container = loadContainer(host.root, id);
  if (containerStatus(container) !== "paused") throw new RunoError("container not paused", { kind: "state" });
  toggle(host, "resuming", () => thawCgroup(recordedCgroup(container.state)));
}

/** An ordinary user's container has a cgroup only where somebody delegated one. */
function toggle(host: HostOptions, what: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    if (["EACCES", "EPERM"].includes(errnoOf(error) ?? "")) {
      host.warn(`${what} needs full access to the container's cgroup`);
    }
    throw error;
  }
}
