/** Making and removing the cgroup of a container. */

import { AT_EACCESS, AT_FDCWD, W_OK } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { Resources } from "../spec/types.ts";
import { makeDirectories, removeDirectories, removeIfEmpty } from "./directories.ts";
import { isFrozen } from "./freezer.ts";
import { setDevices, setLimits, wantedControllers } from "./limits.ts";
import { giveCgroup } from "./owner.ts";
import { type Cgroup, isV2 } from "./paths.ts";
import { cgroupPids } from "./processes.ts";
import { enableControllers, ensureEnterable } from "./v2/enable.ts";

/** How to make one. */
export interface CreateCgroupOptions {
  /** The limits, and the rules for devices. */
  readonly resources: Resources;
  /** Whether errors about devices and hierarchies without controllers are ignored: the caller is no root of the host. */
  readonly unprivileged: boolean;
  /** Whether it is no error that the caller may not make it, or may not move processes there. */
  readonly optional: boolean;
  /** The directory of the cgroup of v2 that init comes from. */
  readonly own: string | undefined;
  /** The user of the host to whom a cgroup of v2 is given. */
  readonly owner: number | undefined;
}

/** How to complete one. */
export interface CompleteCgroupOptions extends CreateCgroupOptions {
  /** Whether it has no device filter of an earlier container; whoever else made it may have attached his own. */
  readonly fresh?: boolean;
}

/** A cgroup that was made. */
export interface MadeCgroup extends Cgroup {
  /** The directories that were not there before, parents first. */
  readonly made: readonly string[];
}

/**
 * Makes the cgroup and sets its limits.
 * @returns what could be made: with `optional` some or all paths may be missing
 * @throws {RunoError} and nothing is left behind; `state` when the cgroup has processes or is frozen
 */
export function createCgroup(wanted: Cgroup, options: CreateCgroupOptions): MadeCgroup {
  checkUnused(wanted);
  return completeCgroup(wanted, options);
}

/**
 * Does the same with a cgroup that somebody else (systemd) has made, all or in part, and that init may be in.
 * @throws {RunoError} and what was made here is not left behind
 */
export function completeCgroup(wanted: Cgroup, options: CompleteCgroupOptions): MadeCgroup {
  const made: string[] = [];
  try {
    const cgroup = { paths: makePaths(wanted, options, made) };
    const { resources, unprivileged, owner } = options;
    setLimits(cgroup, resources);
    const fresh = options.fresh ?? made.includes(cgroup.paths[""] ?? "");
    setDevices(cgroup, resources.devices ?? [], { fresh, unprivileged });
    if (owner !== undefined && isV2(cgroup)) giveCgroup(cgroup.paths[""]!, owner);
    return { ...cgroup, made };
  } catch (error) {
    unmakeCgroup({ ...wanted, made });
    throw error;
  }
}

/** Somebody else's processes must not get the container's limits, and a frozen cgroup would hold init for ever. */
function checkUnused(cgroup: Cgroup): void {
  const pids = cgroupPids(cgroup, { recursive: true });
  if (pids.length > 0) {
    throw new RunoError(`container's cgroup is not empty: ${pids.length} process(es) found`, { kind: "state" });
  }
  if (isFrozen(cgroup)) throw new RunoError("container's cgroup unexpectedly frozen", { kind: "state" });
}

function makePaths(wanted: Cgroup, options: CreateCgroupOptions, made: string[]): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const [controller, path] of Object.entries(wanted.paths)) {
    const optional = options.optional || (options.unprivileged && onlyGroups(controller, wanted));
    try {
      makeDirectories(path, (directory) => made.push(directory));
      if (isV2(wanted)) prepareV2(wanted, path, options);
      if (optional) checkEnterable(controller, path, options.own);
      paths[controller] = path;
    } catch (error) {
      if (!optional || !isPermission(error)) throw error;
      if (isV2(wanted) && wantedControllers(wanted, options.resources).length > 0) throw needsLimits(error);
    }
  }
  return paths;
}

/** Whether the hierarchy is there to group processes: who was given the controllers need not have been given that one. */
function onlyGroups(controller: string, cgroup: Cgroup): boolean {
  return controller.startsWith("name=") || (controller === "" && !isV2(cgroup));
}

function prepareV2(cgroup: Cgroup, path: string, { resources }: CreateCgroupOptions): void {
  enableControllers(path);
  ensureEnterable(path, wantedControllers(cgroup, resources));
}

function isPermission(error: unknown): boolean {
  return ["EACCES", "EPERM", "EROFS"].includes(errnoOf(error) ?? "");
}

function needsLimits(cause: unknown): RunoError {
  return new RunoError("rootless needs no limits + no cgrouppath when no permission is granted for cgroups", { cause });
}

/** A directory that was there already may be somebody else's. On v2 the way there needs rights as well: cgroups(7). */
function checkEnterable(controller: string, path: string, own: string | undefined): void {
  if (controller !== "") return checkWritable(`${path}/tasks`);
  checkWritable(`${path}/cgroup.procs`);
  if (own !== undefined) checkWritable(`${commonAncestor(path, own)}/cgroup.procs`);
}

function checkWritable(file: string): void {
  try {
    call("faccessat2", AT_FDCWD, file, W_OK, AT_EACCESS);
  } catch (error) {
    throw new RunoError(`moving processes by "${file}"`, { cause: error });
  }
}

/** The deepest directory that both lie in. */
export function commonAncestor(a: string, b: string): string {
  const parts = a.split("/"), others = b.split("/");
  const differs = parts.findIndex((part, i) => part !== others[i]);
  return (differs < 0 ? parts : parts.slice(0, differs)).join("/");
}

/** Takes back what a creation has made. Parents that others use by now stay. */
export function unmakeCgroup({ paths, made }: MadeCgroup): void {
  const own = new Set(Object.values(paths));
  for (const path of made.toReversed()) {
    if (own.has(path)) removeDirectories(path);
    else removeIfEmpty(path);
  }
}
