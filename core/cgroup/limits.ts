/** The limits of a config, set in whatever hierarchies there are. */

import { RunoError } from "../error.ts";
import type { DeviceRule, Resources } from "../spec/types.ts";
import type { Controller } from "./controller.ts";
import { swapOnly } from "./conversions.ts";
import { deviceList } from "./devices/rules.ts";
import { setDevicesV1 } from "./devices/v1.ts";
import { setDevicesV2 } from "./devices/v2.ts";
import { type Cgroup, isV2, parentOf } from "./paths.ts";
import type { Undo } from "./target.ts";
import { CONTROLLERS_V1 } from "./v1/controllers.ts";
import { inheritCpuset } from "./v1/cpuset.ts";
import { CONTROLLERS_V2 } from "./v2/controllers.ts";
import { availableControllers, enableControllers, enabledControllers } from "./v2/enable.ts";
import { isUnifiedSet, setUnified } from "./v2/unified.ts";

/** A controller with limits to set, and the cgroup to set them in. */
interface Assignment {
  readonly controller: Controller;
  readonly path: string;
  /** Whether it is one of v2 beside the controllers of v1. */
  readonly beside: boolean;
}

/**
 * Checks that the limits can be set: before anything is made.
 * @throws {RunoError} `invalid` when they contradict each other, `unsupported` when this host has no such controller
 */
export function checkLimits(cgroup: Cgroup, resources: Resources): void {
  deviceList(resources.devices ?? []);
  if (isV2(cgroup)) {
    swapOnly(resources.memory ?? {});
    checkAvailable(cgroup, resources);
    return;
  }
  if (isUnifiedSet(resources)) {
    throw new RunoError("invalid configuration: cannot use unified on cgroup v1", {
      kind: "invalid",
      hint: "config.json /linux/resources/unified is for hosts with cgroup v2 alone",
    });
  }
  assign(cgroup, resources);
}

function checkAvailable(cgroup: Cgroup, resources: Resources): void {
  const wanted = wantedControllers(cgroup, resources);
  if (wanted.length > 0) requireControllers(wanted, availableControllers(cgroup.paths[""]!), "this machine");
}

function requireControllers(wanted: readonly string[], available: readonly string[], where: string): void {
  const missing = wanted.find((name) => !available.includes(name));
  if (missing === undefined) return;
  throw new RunoError(`cannot set ${missing} limit: controller "${missing}" not available`, {
    kind: "unsupported",
    hint: `cgroup v2 has in ${where}: ${available.length === 0 ? "none" : available.join(", ")}`,
  });
}

/** Names of the controllers that limits are asked of. */
export function wantedControllers(cgroup: Cgroup, resources: Resources): string[] {
  const controllers = isV2(cgroup) ? CONTROLLERS_V2 : CONTROLLERS_V1;
  return controllers.filter(({ isSet }) => isSet(resources)).map(({ name }) => name);
}

function assign(cgroup: Cgroup, resources: Resources): Assignment[] {
  const { "": v2, ...v1 } = cgroup.paths;
  if (isV2(cgroup)) {
    return CONTROLLERS_V2.filter(({ isSet }) => isSet(resources)).map((controller) => (
      { controller, path: v2!, beside: false }
    ));
  }
  return CONTROLLERS_V1.filter(({ isSet }) => isSet(resources)).map((controller) => {
    const path = v1[controller.name];
    if (path !== undefined) return { controller, path, beside: false };
    // a hybrid host may have some controllers in v2
    const second = CONTROLLERS_V2.find(({ name }) => name === controller.name);
    if (v2 !== undefined && second !== undefined && availableControllers(v2).includes(second.name)) {
      return { controller: second, path: v2, beside: true };
    }
    throw new RunoError(`cannot set ${controller.name} limit: container could not join or create cgroup`, {
      kind: "unsupported",
      hint: `no hierarchy with the controller "${controller.name}" is mounted, or the caller may not use it`,
    });
  });
}

/** How to set limits. */
export interface LimitOptions {
  /** Gets what is needed to take everything back. */
  readonly undo?: Undo[];
}

/** Sets the limits, devices excepted. @throws {RunoError} */
export function setLimits(cgroup: Cgroup, resources: Resources, { undo }: LimitOptions = {}): void {
  const cpuset = isV2(cgroup) ? undefined : cgroup.paths["cpuset"];
  // a cpuset can have only what those above it have
  if (cpuset !== undefined) inheritCpuset(parentOf(cpuset));
  for (const { controller, path, beside } of assign(cgroup, resources)) {
    if (beside) enableControllers(path, [controller.name]);
    // some may not have been handed down to this caller
    if (beside || isV2(cgroup)) requireControllers([controller.name], enabledControllers(path), `"${path}"`);
    controller.set({ path, undo }, resources);
  }
  if (isUnifiedSet(resources)) setUnified({ path: cgroup.paths[""]!, undo }, resources);
  // what is not limited is inherited, and something must be there before init enters
  if (cpuset !== undefined) inheritCpuset(cpuset);
}

/** How to set the devices. */
export interface DeviceOptions {
  /** Whether the cgroup was just made. */
  readonly fresh: boolean;
  /** Whether it is no error that the caller may not: then the kernel keeps it from making devices too. */
  readonly unprivileged: boolean;
}

/** Sets which devices may be used. @throws {RunoError} */
export function setDevices(cgroup: Cgroup, rules: readonly DeviceRule[], options: DeviceOptions): void {
  const { devices: v1, "": v2 } = cgroup.paths;
  try {
    if (v1 !== undefined) setDevicesV1(v1, rules);
    else if (v2 !== undefined) setDevicesV2(v2, rules, options.fresh);
  } catch (error) {
    if (!options.unprivileged) throw error;
  }
}
