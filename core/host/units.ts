/** Units of containers that exist. Which unit it is stands in state.json: commands need not be told of systemd again. */

import { readLayout } from "../cgroup/layout.ts";
import { Systemd } from "../cgroup/systemd/connection.ts";
import { changedProperties, limitProperties } from "../cgroup/systemd/properties.ts";
import { type Unit, unitOf } from "../cgroup/systemd/unit.ts";
import { attachProcess, changeUnit, stopUnit } from "../cgroup/systemd/units.ts";
import { messageOf } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import type { Resources } from "../spec/types.ts";
import { directoriesOf } from "./recorded_cgroup.ts";
import { recordedDriver, type StateFile } from "./state_file.ts";
import { cgroupVersion, defaultSlice, ownPlace } from "./systemd_place.ts";

/** The unit of a container that exists; undefined when systemd has not made it. */
function recordedUnit(state: StateFile): Unit | undefined {
  if (recordedDriver(state) !== "systemd") return undefined;
  const { parent = "", scope_prefix: prefix = "", name = "" } = state.config.cgroups ?? {};
  return unitOf(`${parent}:${prefix}:${name}`, { id: state.id, slice: defaultSlice(ownPlace()) });
}

/** What a process enters that joins the container: on behalf of a user, systemd puts it there. */
export function joiningDirectories(state: StateFile, paths: Readonly<Record<string, string>>): CgroupDirectories {
  const asks = recordedDriver(state) === "systemd" && ownPlace().instance === "user";
  return asks ? { v1: [], v2: undefined, asking: "parent" } : directoriesOf(paths);
}

/** Puts a process into a cgroup of the container's unit. @param paths directories by controller */
export function attachToUnit(state: StateFile, pid: number, paths: Readonly<Record<string, string>>): void {
  const unit = recordedUnit(state), own = state.cgroup_paths?.[""] ?? "", path = paths[""] ?? "";
  if (unit === undefined) return;
  using systemd = new Systemd(ownPlace());
  attachProcess(systemd, unit, pid, path.startsWith(`${own}/`) ? path.slice(own.length) : "");
}

/**
 * Tells systemd of other limits, so that it does not set the old ones again.
 * @returns whether there was something to tell
 */
export function updateUnit(state: StateFile, before: Resources, after: Resources): boolean {
  const unit = recordedUnit(state);
  if (unit === undefined) return false;
  using stack = new DisposableStack();
  let systemd: Systemd | undefined;
  const connect = () => systemd ??= stack.use(new Systemd(ownPlace()));
  const options = { cgroup: cgroupVersion(readLayout()), version: () => connect().version() };
  const changed = changedProperties(limitProperties(before, options), limitProperties(after, options));
  if (changed.length > 0) changeUnit(connect(), unit, changed);
  return changed.length > 0;
}

/** Ends the unit of a container whose processes have ended. Its cgroup can be removed without: then systemd ends it too. */
export function endUnit(state: StateFile, warn: (message: string) => void): void {
  const unit = recordedUnit(state);
  if (unit === undefined) return;
  try {
    using systemd = new Systemd(ownPlace());
    stopUnit(systemd, unit);
  } catch (error) {
    warn(messageOf(error));
  }
}
