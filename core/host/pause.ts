/** `pause` and `resume`. */

import { freezeCgroup, thawCgroup } from "../cgroup/freezer.ts";
import { RunoError } from "../error.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import { containerStatus, loadContainer } from "./container.ts";
import type { HostOptions } from "./options.ts";

/**
 * Freezes all processes of a container.
 * @throws {RunoError} `not-found`; `state` "container not running" unless it is created or running; and then none is frozen
 */
export function pauseContainer(host: Pick<HostOptions, "root">, id: string): void {
  const container = loadContainer(host.root, id);
  const status = containerStatus(container);
  if (status !== "running" && status !== "created") throw new RunoError("container not running", { kind: "state" });
  freezeCgroup(recordedCgroup(container.state));
}

/**
 * Lets the processes of a paused container go on.
 * @throws {RunoError} `not-found`; `state` "container not paused"
 */
export function resumeContainer(host: Pick<HostOptions, "root">, id: string): void {
  const container = loadContainer(host.root, id);
  if (containerStatus(container) !== "paused") throw new RunoError("container not paused", { kind: "state" });
  thawCgroup(recordedCgroup(container.state));
}
