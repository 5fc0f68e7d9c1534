/** `update`: other limits for a container that runs. */

import { checkLimits, setLimits } from "../cgroup/limits.ts";
import { type Undo, undoAll } from "../cgroup/target.ts";
import { messageOf, RunoError } from "../error.ts";
import type { Resources } from "../spec/types.ts";
import { assertValidResources } from "../spec/validate_resources.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import { type Container, containerStatus, loadContainer } from "./container.ts";
import { lockContainer } from "./container_lock.ts";
import type { HostOptions } from "./options.ts";
import type { RuncCgroup } from "./runc_cgroup.ts";
import { type RdtSchemata, updateRdt, withSchemata } from "./rdt_update.ts";
import { resourcesOf, updatedCgroup } from "./runc_resources.ts";
import { readState, type StateFile, writeState } from "./state_file.ts";
import { updateUnit } from "./units.ts";

/**
 * Changes the limits that are named, and notes them in state.json; devices are never touched.
 * @param resources 0 is "not named", as clients send it
 * @param schemata of Intel RDT
 * @throws {RunoError} `not-found`; `state` "container not running"; `invalid` for values that contradict each other, or
 * the limits that stay. All limits and state.json are then as before
 */
export function updateContainer(
  host: HostOptions,
  id: string,
  resources: Resources,
  schemata: RdtSchemata = {},
): void {
  const container = loadContainer(host.root, id);
  checkRunning(container);
  // not the container's own lock: its hooks run under that one, and may want to change limits
  using _turn = lockContainer(someDirectory(container));
  apply({ ...container, state: readState(container.dir) }, { resources: named(resources), schemata }, host.warn);
}

function checkRunning(container: Container): void {
  const status = containerStatus(container);
  if (status === "stopped" || status === "creating") throw new RunoError("container not running", { kind: "state" });
}

/** One of the container's cgroups: it can be locked as any directory, and everyone who updates the container has it. */
function someDirectory({ state }: Container): string {
  const path = Object.values(recordedCgroup(state).paths)[0];
  if (path === undefined) {
    throw new RunoError("cannot set limits: container could not join or create cgroup", { kind: "unsupported" });
  }
  return path;
}

/** Without what clients send for "unset". */
function named({ devices: _, memory = {}, cpu = {}, ...rest }: Resources): Resources {
  const memoryLimits = nonZero(memory, ["limit", "reservation", "swap"]);
  return {
    ...rest,
    // no limit for memory, and none given for swap: the old one must not stay
    memory: memoryLimits.limit === -1 && memoryLimits.swap === undefined ? { ...memoryLimits, swap: 0 } : memoryLimits,
    cpu: nonZero(cpu, ["shares", "quota", "period", "realtimeRuntime", "realtimePeriod"]),
  };
}

function nonZero<T extends object>(values: T, keys: readonly (keyof T)[]): T {
  const kept = Object.entries(values).filter(([key, value]) =>
    value !== undefined && !(value === 0 && isIn(key, keys))
  );
  return Object.fromEntries(kept) as T;
}

function isIn(key: string, keys: readonly PropertyKey[]): boolean {
  return keys.includes(key);
}

/** What to change. */
interface Changes {
  readonly resources: Resources;
  readonly schemata: RdtSchemata;
}

function apply(
  { dir, state }: Container,
  { resources, schemata }: Changes,
  warn: (message: string) => void,
): void {
  const cgroups = updatedCgroup(state.config.cgroups ?? {}, resources);
  const limits = withCoupled(resources, resourcesOf(cgroups));
  for (const { message } of assertValidResources(limits, "resources")) warn(message);
  const cgroup = recordedCgroup(state);
  checkLimits(cgroup, limits);
  const undo: Undo[] = [];
  try {
    setLimits(cgroup, limits, { undo });
    const before = resourcesOf(state.config.cgroups ?? {}), after = resourcesOf(cgroups);
    if (updateUnit(state, before, after)) {
      undo.push(() => void updateUnit(state, after, before));
      // systemd has written its own rounded numbers
      setLimits(cgroup, limits);
    }
    if (schemata.l3CacheSchema || schemata.memBwSchema) undo.push(updateRdt(state, schemata));
    writeState(dir, withSchemata(withCgroup(state, cgroups), schemata));
  } catch (error) {
    takeBack(undo, warn);
    throw error;
  }
}

/** The limits that are named, and those that the kernel sees together with them. */
function withCoupled(update: Resources, all: Resources): Resources {
  const { memory = {}, cpu = {}, blockIO = {} } = update;
  return {
    ...update,
    // BFQ takes a weight for all devices, and forgets those of single ones
    ...blockIO.weight ? { blockIO: { ...blockIO, weightDevice: all.blockIO?.weightDevice ?? [] } } : {},
    memory: { ...memory, ...coupled(memory, all.memory, ["limit", "swap"]) },
    cpu: {
      ...cpu,
      ...coupled(cpu, all.cpu, ["quota", "period"]),
      ...coupled(cpu, all.cpu, ["realtimeRuntime", "realtimePeriod"]),
      // what stops being idle gets its weight back
      ...cpu.idle === 0 && all.cpu?.shares !== undefined ? { shares: all.cpu.shares } : {},
    },
  };
}

/** Both of two values when one of them is named. */
function coupled<T extends object>(update: T, all: T | undefined, keys: readonly (keyof T)[]): Partial<T> {
  if (all === undefined || keys.every((key) => update[key] === undefined)) return {};
  return Object.fromEntries(keys.filter((key) => all[key] !== undefined).map((key) => [key, all[key]])) as Partial<T>;
}

function withCgroup(state: StateFile, cgroups: RuncCgroup): StateFile {
  return { ...state, config: { ...state.config, cgroups } };
}

/** The first error stays the error. */
function takeBack(undo: Undo[], warn: (message: string) => void): void {
  try {
    undoAll(undo);
  } catch (error) {
    warn(`setting back the limits: ${messageOf(error)}; state.json and the cgroup may differ`);
  }
}
