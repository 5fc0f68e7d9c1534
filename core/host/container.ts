/** Containers on disk: one directory each below the root, with runc's layout, and what can be read from it. */

import { errnoOf, RunoError } from "../error.ts";
import { INIT_NAME } from "../plan/init_name.ts";
import type { Status } from "../spec/state.ts";
import { sleep } from "../sleep.ts";
import { isLocked } from "./container_lock.ts";
import { bootId, isAlive, processStat } from "./procfs.ts";
import { readState, recordedAnnotations, recordedBundle, type StateFile } from "./state_file.ts";

/** A container that exists. */
export interface Container {
  readonly id: string;
  /** Its state directory, absolute. */
  readonly dir: string;
  /** state.json at the time of loading. */
  readonly state: StateFile;
}

/** What `state` prints and `list` shows, in runc's order of keys. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when stopped. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339. */
  readonly created: string;
  /** Absent when there are none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** User name or "#uid"; `state` leaves it empty, as runc. */
  readonly owner: string;
}

/** One line of `list`: a container, or why it cannot be loaded. */
export type ListEntry =
  | { readonly id: string; readonly state: ContainerState }
  | { readonly id: string; readonly error: RunoError };

/** More than it takes to lock a directory that has been made. */
const LOCKING_MS = 10;
/** How often a directory without a container is looked at before it counts as left over. */
const LOOKS = 3;

/** The FIFO in the state directory that a created container waits on; `start` removes it. */
export const EXEC_FIFO = "exec.fifo";

/**
 * Refuse ids that are not a plain name: letters, digits and "_+.-", but not "." or "..".
 *
 * @throws {RunoError} `invalid`, with runc's words
 */
export function checkId(id: string): void {
  if (id === "") throw new RunoError("container id cannot be empty", { kind: "invalid" });
  if (id === "." || id === ".." || !/^[\w+.-]+$/.test(id)) {
    throw new RunoError(`invalid container ID format: ${JSON.stringify(id)}`, { kind: "invalid" });
  }
}

/** The state directory of an id below the root. Throws as `checkId()`. */
export function stateDir(root: string, id: string): string {
  checkId(id);
  return `${root}/${id}`;
}

/**
 * Make the state directory of a new container (and the root): whoever makes it owns the id. Take `lockContainer()` next.
 *
 * @throws {RunoError} `exists` when the id is taken
 */
export function createStateDir(root: string, id: string): string {
  const dir = stateDir(root, id);
  try {
    Deno.mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new RunoError(`creating root "${root}"`, { cause: error });
  }
  try {
    Deno.mkdirSync(dir, { mode: 0o711 });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw new RunoError("container with given ID already exists", { kind: "exists" });
    throw new RunoError(`creating state directory "${dir}"`, { cause: error });
  }
  return dir;
}

/** Remove a state directory and all in it; none is fine. Its lock ends with it. */
export function removeStateDir(dir: string): void {
  try {
    Deno.removeSync(dir, { recursive: true });
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw new RunoError(`removing state directory "${dir}"`, { cause: error });
  }
}

/**
 * Load a container by its id.
 *
 * @throws {RunoError} `not-found` without directory or state.json, `invalid` for a bad id or a damaged state.json
 */
export function loadContainer(root: string, id: string): Container {
  const dir = stateDir(root, id);
  return { id, dir, state: readState(dir) };
}

/**
 * The directory of an id that is no container, because its making or removal was cut short: without state.json, or with
 * a damaged one. Undefined when there is no such directory, or a container in it.
 */
export function leftoverDir(root: string, id: string): string | undefined {
  const dir = stateDir(root, id);
  if (!isDirectory(dir)) return undefined;
  try {
    readState(dir);
    return undefined;
  } catch (error) {
    if (error instanceof RunoError && error.kind !== "system") return dir;
    throw error;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw new RunoError(`looking at "${path}"`, { cause: error });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The status, decided here and nowhere else. A recycled pid or one of an earlier boot reads as stopped. */
export function containerStatus(container: Container): Status {
  const { state, dir } = container;
  if (isPaused(state)) return "paused";
  const creator = state.runo?.creator;
  if (creator !== undefined && isAlive(creator.pid, creator.startTime)) return "creating";
  if (!isInitAlive(state)) return "stopped";
  return exists(`${dir}/${EXEC_FIFO}`) && isWaiting(state) ? "created" : "running";
}

/** False when init has gone on although the FIFO is there: `start` was killed before it could remove it. */
function isWaiting({ runo, init_process_pid }: StateFile): boolean {
  return runo === undefined || processStat(init_process_pid)?.comm === INIT_NAME;
}

/** Whether init itself still runs: same boot, same pid, same start time, no zombie. */
export function isInitAlive(state: StateFile): boolean {
  const recorded = state.runo?.bootId ?? "", now = recorded === "" ? "" : bootId();
  if (now !== "" && now !== recorded) return false;
  return isAlive(state.init_process_pid, state.init_process_start);
}

/** Whether the freezer holds the container: freezer.state of cgroup v1, or cgroup.freeze of v2. */
export function isPaused({ cgroup_paths }: StateFile): boolean {
  const v1 = cgroup_paths?.["freezer"], v2 = cgroup_paths?.[""];
  if (v1 !== undefined && v1 !== "") {
    const own = readLine(`${v1}/freezer.state`);
    // 0: an ancestor was frozen, not the container
    return own === "FREEZING" || (own === "FROZEN" && readLine(`${v1}/freezer.self_freezing`) !== "0");
  }
  return v2 !== undefined && v2 !== "" && readLine(`${v2}/cgroup.freeze`) === "1";
}

// "" when the cgroup is gone, and for the root cgroup, which has no freezer
function readLine(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    return "";
  }
}

/** What `state` prints. The status is found out anew unless given. */
export function ociState(container: Container, status: Status = containerStatus(container)): ContainerState {
  const { id, state } = container;
  const annotations = recordedAnnotations(state);
  return {
    ociVersion: state.config.version,
    id,
    pid: status === "stopped" ? 0 : state.init_process_pid,
    status,
    bundle: recordedBundle(state),
    rootfs: state.config.rootfs,
    created: state.created,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    owner: "",
  };
}

/** All containers below the root by id, with owners; none when there is no root. Half-made ones are error entries. */
export function listContainers(root: string): ListEntry[] {
  const owners = new Map<number, string>();
  return ids(root).flatMap((id): ListEntry[] => {
    try {
      const found = loadListed(root, id);
      if (found === undefined) return [];
      const owner = owners.get(found.uid) ?? ownerName(found.uid);
      owners.set(found.uid, owner);
      return [{ id, state: { ...found.state, owner } }];
    } catch (error) {
      return [{ id, error: new RunoError(`load container ${id}`, { cause: error }) }];
    }
  });
}

/**
 * Undefined for what was deleted in the meantime, or is just being made or removed. Its lock tells so, but a directory is made
 * a moment before it is locked, and may be another one of the same name by now: what seems to be left over is looked at again.
 */
function loadListed(root: string, id: string): { state: ContainerState; uid: number } | undefined {
  const dir = `${root}/${id}`;
  for (let look = 1;; look++) {
    try {
      const state = ociState(loadContainer(root, id));
      return { state, uid: Deno.lstatSync(dir).uid ?? 0 };
    } catch (error) {
      const isMissing = isNotFound(error) || errnoOf(error) === "ENOENT";
      if (!isDirectory(dir) || (isMissing && isLocked(dir))) return undefined;
      if (!isMissing || look === LOOKS) throw error;
      sleep(LOCKING_MS);
    }
  }
}

function ids(root: string): string[] {
  try {
    return [...Deno.readDirSync(root)].filter(({ isDirectory }) => isDirectory).map(({ name }) => name).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw new RunoError(`reading root "${root}"`, { cause: error });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof RunoError && error.kind === "not-found";
}

/** The user's name by /etc/passwd, "#uid" when it has none. */
export function ownerName(uid: number): string {
  return passwdName(readLine("/etc/passwd"), uid) ?? `#${uid}`;
}

/** The first name with this uid in the text of a passwd(5) file. */
export function passwdName(passwd: string, uid: number): string | undefined {
  return passwd.split("\n").map((line) => line.split(":")).find((fields) => fields[2] === `${uid}`)?.[0];
}
