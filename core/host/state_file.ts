/**
 * state.json: runc's own file (libcontainer's `State`), so that runc and runo can work on each other's containers, with
 * one key more for what only runo knows. runc ignores that key, and drops it when it writes the file anew (`update`).
 */

import { errnoOf, RunoError } from "../error.ts";
import type { HookPhase, Hooks, NamespaceType, Spec } from "../spec/types.ts";
import type { CgroupManager } from "./options.ts";
import type { RuncConfig, RuncHook } from "./runc_config.ts";
import { RUNC_NAMESPACES } from "./runc_namespaces.ts";
import { parseExact, stringifyExact } from "./runc_json.ts";
import { recordedSeccomp } from "./runc_seccomp.ts";

/** The whole of state.json. */
export interface StateFile {
  readonly id: string;
  /** As this PID namespace sees it; 0 while there is none yet. */
  readonly init_process_pid: number;
  /** `startTime` of /proc/PID/stat. */
  readonly init_process_start: number;
  /** RFC 3339. */
  readonly created: string;
  readonly config: RuncConfig;
  readonly rootless?: boolean;
  /** By controller; "" is cgroup v2, "name=systemd" the named hierarchy. Absolute. */
  readonly cgroup_paths?: Readonly<Record<string, string>> | null;
  /** By libcontainer's name, such as NEWNET. */
  readonly namespace_paths?: Readonly<Record<string, string>> | null;
  /** Where stdin, stdout and stderr of init lead, for checkpoint. */
  readonly external_descriptors?: readonly string[] | null;
  readonly intel_rdt_path?: string;
  readonly intel_rdt_mon_path?: string;
  /** Absent when runc made the container or has rewritten the file. */
  readonly runo?: RunoState;
}

/** What runo alone writes. */
export interface RunoState {
  /** Of this object's shape. */
  readonly version: 1;
  readonly driver: CgroupManager;
  /** `bootId()` at creation, "" if unknown. */
  readonly bootId: string;
  /** The config as it was at creation: later edits of the bundle do not matter. */
  readonly spec: Spec;
  /** The file that it was read from, absolute. */
  readonly configPath: string;
  /** Directories of resctrl that are the container's own, in the order of their making. */
  readonly rdtGroups?: readonly string[];
  /** Who is making the container; written before the first side effect, gone once it is made. */
  readonly creator?: ProcessIdentity;
}

/** A process that no recycled pid can be taken for. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: number;
}

const STATE_FILE = "state.json";

/** Replace state.json of a state directory in one step, so that no reader ever sees half of it. Whoever writes has its lock. */
export function writeState(dir: string, state: StateFile): void {
  const path = `${dir}/${STATE_FILE}`;
  try {
    const temporary = `${dir}/state-${Deno.pid}`;
    try {
      Deno.writeTextFileSync(temporary, stringifyExact(state), { mode: 0o600 });
      Deno.renameSync(temporary, path);
    } catch (error) {
      Deno.removeSync(temporary);
      throw error;
    }
  } catch (error) {
    throw new RunoError(`writing state file "${path}"`, { cause: error });
  }
}

/**
 * Read state.json of a state directory.
 *
 * @throws {RunoError} `not-found` when there is none, `invalid` when it is empty, cut short or not a state
 */
export function readState(dir: string): StateFile {
  const path = `${dir}/${STATE_FILE}`;
  const text = readText(path);
  if (text === "") throw damaged(path, "it is empty");
  let value: unknown;
  try {
    value = parseExact(text);
  } catch {
    throw damaged(path, "it is not whole");
  }
  if (!isState(value)) throw damaged(path, "it is not the state of a container");
  return value;
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // containerd and cri-o look for this sentence
    if (errnoOf(error) === "ENOENT") throw new RunoError("container does not exist", { kind: "not-found" });
    throw new RunoError(`reading state file "${path}"`, { cause: error });
  }
}

function damaged(path: string, reason: string): RunoError {
  return new RunoError(`reading state file "${path}": ${reason}`, {
    kind: "invalid",
    hint: '"delete --force" removes what is left of the container',
  });
}

// What no command can do without. All else is optional in the type as well.
function isState(value: unknown): value is StateFile {
  if (typeof value !== "object" || value === null || !("config" in value)) return false;
  const { init_process_pid, init_process_start, config } = value as Partial<StateFile>;
  return typeof init_process_pid === "number" && typeof init_process_start === "number" &&
    typeof config === "object" && config !== null && typeof config.rootfs === "string";
}

/** The cgroup driver that made the container's cgroups, whatever the command line says now. */
export function recordedDriver(state: StateFile): CgroupManager {
  return state.runo?.driver ?? (state.config.cgroups?.Systemd === true ? "systemd" : "cgroupfs");
}

/** Absolute path of the bundle; "" when the file does not say. */
export function recordedBundle(state: StateFile): string {
  return state.config.labels?.findLast((label) => label.startsWith("bundle="))?.slice("bundle=".length) ?? "";
}

/** The annotations of config.json, sorted by key as runc prints them. */
export function recordedAnnotations(state: StateFile): Record<string, string> {
  const entries = state.runo !== undefined
    ? Object.entries(state.runo.spec.annotations ?? {})
    : (state.config.labels ?? []).flatMap(annotation);
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

// A value may hold "=", a key cannot. The bundle is a label too.
function annotation(label: string): [string, string][] {
  const at = label.indexOf("=");
  return at < 0 || label.startsWith("bundle=") ? [] : [[label.slice(0, at), label.slice(at + 1)]];
}

/** The config as it was at creation; of a container that runc made, as much as its state tells. */
export function recordedSpec({ config, runo }: StateFile): Spec {
  if (runo !== undefined) return runo.spec;
  return {
    ociVersion: config.version,
    linux: config.seccomp ? { seccomp: recordedSeccomp(config.seccomp) } : {},
  };
}

/** The namespaces that the container has and the host has not. */
export function recordedNamespaces({ config }: StateFile): NamespaceType[] {
  const types = new Map(Object.entries(RUNC_NAMESPACES).map(([type, name]) => [name, type as NamespaceType]));
  return (config.namespaces ?? []).flatMap(({ type }) => types.get(type) ?? []);
}

/** The hooks of config.json as they were at creation. */
export function recordedHooks(state: StateFile): Hooks {
  if (state.runo !== undefined) return state.runo.spec.hooks ?? {};
  const phases = Object.entries(state.config.Hooks ?? {}) as [HookPhase, readonly RuncHook[] | null][];
  return Object.fromEntries(phases.flatMap(([phase, hooks]) => hooks === null ? [] : [[phase, hooks.map(hook)]]));
}

function hook({ path, args, env, timeout }: RuncHook) {
  return {
    path,
    ...(args === null ? {} : { args }),
    ...(env === null ? {} : { env }),
    ...(timeout === null ? {} : { timeout: timeout / 1e9 }),
  };
}

/** The group of the container in Intel's resctrl; undefined without. */
export function recordedRdt({ intel_rdt_path: path = "", intel_rdt_mon_path: monPath = "" }: StateFile):
  | { readonly path: string; readonly monPath: string | undefined }
  | undefined {
  return path === "" ? undefined : { path, monPath: monPath === "" ? undefined : monPath };
}

/** What of resctrl to remove with the container. */
export function ownRdtGroups(state: StateFile): readonly string[] {
  if (state.runo !== undefined) return state.runo.rdtGroups ?? [];
  const rdt = recordedRdt(state);
  if (rdt === undefined) return [];
  // runc forgets whether it has made a class; one of the container's name is nobody else's
  const monitor = rdt.monPath === undefined ? [] : [rdt.monPath];
  return state.config.intel_rdt?.closID ? monitor : [rdt.path, ...monitor];
}
