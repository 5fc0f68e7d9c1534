/**
 * Containers for programs in TypeScript: what the command `runo` does, as functions.
 *
 * ```ts
 * import * as runo from "@runo/runo";
 *
 * const code = await runo.run("job", { bundle: "/srv/job" });
 *
 * await runo.create("web", { bundle: "/srv/web" });
 * await runo.start("web");
 * for await (const event of runo.events("web")) console.log(event.type);
 * await runo.delete("web", { force: true });
 * ```
 *
 * Containers are those of the command and of runc: each sees the other's. Errors are `RunoError`s: branch on `code` ("not-found", "state", ...) and `errno`, never on
 * the message. The library prints nothing, installs no signal handlers, reaps nobody else's children and never ends the
 * process; containers have the stdio of the process, and `process.terminal` takes its terminal while they run.
 *
 * It needs Linux 5.12, `deno run -A`, and root unless containers have user namespaces.
 *
 * @module
 */

import { resolve } from "@std/path/posix";

import { RunoError } from "./core/error.ts";
import { checkBundle, checkHost, type Finding } from "./core/host/check/check.ts";
import { configuredProcess } from "./core/host/configured_process.ts";
import { type ContainerState, listContainers, loadContainer, ociState } from "./core/host/container.ts";
import { createContainer } from "./core/host/create.ts";
import { reapLater } from "./core/host/detached.ts";
import { type ContainerEvent, containerEvents, type ContainerStats, containerStats } from "./core/host/events.ts";
import { execProcess } from "./core/host/exec.ts";
import { runProcess } from "./core/host/exec_foreground.ts";
import { type ExplainedPlan, planBundle } from "./core/host/explain.ts";
import { type Features, readFeatures } from "./core/host/features.ts";
import { runContainer } from "./core/host/foreground.ts";
import type { CgroupManager, CreateOptions, ExecOptions, HostOptions } from "./core/host/options.ts";
import { pauseContainer, resumeContainer } from "./core/host/pause.ts";
import { containerPids } from "./core/host/processes.ts";
import { parseSignal } from "./core/host/signal_names.ts";
import { startContainer } from "./core/host/start.ts";
import { defaultRoot } from "./core/host/state_root.ts";
import { deleteContainer } from "./core/host/delete.ts";
import { killContainer } from "./core/host/kill.ts";
import { updateContainer } from "./core/host/update.ts";
import type { RdtSchemata } from "./core/host/rdt_update.ts";
import type { Process, Resources } from "./core/spec/types.ts";
import { assertValidProcess } from "./core/spec/validate_process.ts";
import { COMMIT, VERSION } from "./core/version.ts";
import { type CgroupsMode, type CriuOptions, type PageServer, parseEmptyNs } from "./criu/options.ts";

export { type ErrorFacts, type ErrorKind, RunoError } from "./core/error.ts";
export type { CgroupStats } from "./core/cgroup/stats.ts";
export type { Process, Resources, Spec } from "./core/spec/types.ts";
export type {
  CgroupManager,
  CgroupsMode,
  ContainerEvent,
  ContainerState,
  ContainerStats,
  ExplainedPlan,
  Features,
  Finding,
  PageServer,
  RdtSchemata,
};

/** What every function may be told. */
export interface Settings {
  /** The state root (default: "/run/runc", and below XDG_RUNTIME_DIR for users). */
  readonly root?: string;
  /** Who makes cgroups (default: "cgroupfs"). A container keeps the one that made its own. */
  readonly cgroupManager?: CgroupManager;
  /** Whether to overlook cgroups that may not be used (default: "auto"). */
  readonly rootless?: "auto" | boolean;
  /** Takes what went wrong without being an error. */
  readonly warn?: (message: string) => void;
  /** Takes what has been done. */
  readonly debug?: (message: string) => void;
}

/** A container that is to be made. */
export interface CreateSettings extends Settings {
  /** The bundle's directory. */
  readonly bundle: string;
  /** Another config file than the bundle's "config.json". */
  readonly config?: string;
  /** UNIX socket that is sent the master of the terminal. */
  readonly consoleSocket?: string;
  /** UNIX socket that is sent a pidfd of init. */
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly noPivot?: boolean;
  readonly noNewKeyring?: boolean;
  /** Number of descriptors from 3 on that the container keeps. */
  readonly preserveFds?: number;
}

/** A container that is to be run. */
export interface RunSettings extends CreateSettings {
  /** Do not remove the container after its end. */
  readonly keep?: boolean;
}

/** A process that is to be executed. */
export interface ExecSettings extends Settings {
  readonly consoleSocket?: string;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  readonly preserveFds?: number;
  /** Do it in a paused container too: the process runs when that is resumed. */
  readonly ignorePaused?: boolean;
  /** Cgroups below the container's, by controller; "" for all. */
  readonly subCgroups?: Readonly<Record<string, string>>;
}

/** What checkpoint and restore have in common; the words are those of the command's flags. */
export interface CriuSettings extends Settings {
  /** Directory of the images. */
  readonly imagePath: string;
  readonly workPath?: string;
  /** Another program than "criu" in PATH. */
  readonly criu?: string;
  readonly tcpEstablished?: boolean;
  readonly extUnixSk?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly autoDedup?: boolean;
  readonly lazyPages?: boolean;
  readonly manageCgroupsMode?: CgroupsMode;
  readonly emptyNs?: readonly "network"[];
}

/** A checkpoint that is to be made. */
export interface CheckpointSettings extends CriuSettings {
  readonly parentPath?: string;
  readonly leaveRunning?: boolean;
  readonly preDump?: boolean;
  readonly tcpSkipInFlight?: boolean;
  readonly linkRemap?: boolean;
  readonly statusFd?: number | string;
  readonly pageServer?: PageServer;
}

/** A container that is to be restored. */
export interface RestoreSettings extends CriuSettings, CreateSettings {
  readonly lsmProfile?: string;
  readonly lsmMountContext?: string;
}

/** Makes a container, which then waits for `start()`. @returns the pid of its first process @throws {RunoError} */
export async function create(id: string, settings: CreateSettings): Promise<number> {
  const { pid } = await createContainer(createOptions(id, settings, true));
  return pid;
}

/** Lets a created container execute its program. @throws {RunoError} */
export async function start(id: string, settings: Settings = {}): Promise<void> {
  await startContainer(host(settings), id);
}

/**
 * Makes a container, starts it, waits for its end and removes it.
 * @returns its exit code, or 128 and the number of the signal that killed it
 * @throws {RunoError}
 */
export function run(id: string, settings: RunSettings): Promise<number> {
  return runContainer({ ...createOptions(id, settings, false), keep: settings.keep ?? false, noSubreaper: true });
}

/**
 * Executes a process in a container and waits for its end.
 * @param process its arguments, or as much of it as differs from the process of the container's config
 * @returns its exit code, or 128 and the number of the signal that killed it
 * @throws {RunoError}
 */
export async function exec(
  id: string,
  process: readonly string[] | Partial<Process>,
  settings: ExecSettings = {},
): Promise<number> {
  return await runProcess(await execOptions(id, process, settings, false));
}

/** Executes a process in a container without waiting for its end. @returns its pid @throws {RunoError} */
export async function execDetached(
  id: string,
  process: readonly string[] | Partial<Process>,
  settings: ExecSettings = {},
): Promise<number> {
  const { pid } = await execProcess(await execOptions(id, process, settings, true));
  reapLater(pid);
  return pid;
}

/**
 * Sends a signal to the first process of a container, or to all of them.
 * @param signal a number or a name ("SIGTERM", "kill", "RTMIN+3")
 * @throws {RunoError}
 */
export function kill(
  id: string,
  signal: number | string = "SIGTERM",
  settings: Settings & { readonly all?: boolean } = {},
): void {
  killContainer(host(settings), id, parseSignal(String(signal)), { all: settings.all ?? false });
}

/** Removes a container; with `force` one that runs, and none to remove is fine. @throws {RunoError} */
async function remove(id: string, settings: Settings & { readonly force?: boolean } = {}): Promise<void> {
  await deleteContainer(host(settings), id, { force: settings.force ?? false });
}

export { remove as delete };

/** The state of a container. @throws {RunoError} */
export function state(id: string, settings: Settings = {}): ContainerState {
  return ociState(loadContainer(host(settings).root, id));
}

/** The states of all containers, sorted by id. `warn` is told of those that cannot be loaded. @throws {RunoError} */
export function list(settings: Settings = {}): ContainerState[] {
  const { root, warn } = host(settings);
  return listContainers(root).flatMap((entry) => {
    if ("state" in entry) return [entry.state];
    warn(entry.error.message);
    return [];
  });
}

/** The ids of all processes of a container. @throws {RunoError} */
export function pids(id: string, settings: Settings = {}): number[] {
  return containerPids(host(settings), id);
}

/** Freezes all processes of a container. @throws {RunoError} */
export function pause(id: string, settings: Settings = {}): void {
  pauseContainer(host(settings), id);
}

/** Lets the processes of a paused container go on. @throws {RunoError} */
export function resume(id: string, settings: Settings = {}): void {
  resumeContainer(host(settings), id);
}

/** Changes the limits that are named, and the schemata of Intel RDT; what is not named stays as it is. @throws {RunoError} */
export function update(id: string, resources: Resources, settings: Settings & RdtSchemata = {}): void {
  updateContainer(host(settings), id, resources, settings);
}

/** What a container uses. @throws {RunoError} */
export function stats(id: string, settings: Settings = {}): ContainerStats {
  return containerStats(host(settings), id);
}

/**
 * What a container uses, again and again, and when its memory runs out; ends when the container has.
 * @param settings `intervalMs` is the time between two records of usage (default: 5000)
 * @throws {RunoError}
 */
export function events(
  id: string,
  settings: Settings & { readonly intervalMs?: number } = {},
): AsyncGenerator<ContainerEvent, void> {
  return containerEvents(host(settings), id, { intervalMs: settings.intervalMs ?? 5000 });
}

/** The steps that `create()` would take, without taking any. Needs no rights. @throws {RunoError} */
export async function plan(id: string, settings: CreateSettings): Promise<ExplainedPlan> {
  return await planBundle(createOptions(id, settings, false));
}

/** Everything that is wrong with this host, and with a bundle if one is given. Needs no rights. */
export function check(settings: Settings & { readonly bundle?: string; readonly config?: string } = {}): Finding[] {
  const options = host(settings), { bundle, config } = settings;
  if (bundle === undefined) return checkHost(options);
  const place = { bundle: resolve(bundle), config: config === undefined ? undefined : resolve(config) };
  return [...checkHost(options), ...checkBundle({ ...options, ...place })];
}

/** What can be asked for in config.json, as runtime-spec's features.md describes it. */
export function features(): Features {
  return readFeatures({ version: VERSION, commit: COMMIT });
}

/** Saves a running container as images. It ends and is removed, unless told otherwise. @throws {RunoError} */
export async function checkpoint(id: string, settings: CheckpointSettings): Promise<void> {
  const { checkpointContainer } = await import("./criu/checkpoint.ts");
  const { parentPath, leaveRunning, preDump, tcpSkipInFlight, linkRemap, statusFd, pageServer } = settings;
  await checkpointContainer({
    ...host(settings),
    ...criuOptions(settings),
    id,
    parentPath,
    leaveRunning: leaveRunning ?? false,
    preDump: preDump ?? false,
    tcpSkipInFlight: tcpSkipInFlight ?? false,
    linkRemap: linkRemap ?? false,
    statusFd,
    pageServer,
  });
}

/** Makes a container anew from the images of a checkpoint; it runs on by itself. @throws {RunoError} */
export async function restore(id: string, settings: RestoreSettings): Promise<void> {
  const { restoreDetached } = await import("./criu/restore.ts");
  const { lsmProfile, lsmMountContext } = settings;
  const detached = { ...createOptions(id, settings, true), keep: false, noSubreaper: true };
  const { pid } = await restoreDetached({ ...detached, ...criuOptions(settings), lsmProfile, lsmMountContext });
  reapLater(pid);
}

/** The library acts within a process that is another program's. */
function host({ root, cgroupManager, rootless, warn, debug }: Settings): HostOptions {
  return {
    root: root === undefined ? defaultRoot() : resolve(root),
    cgroupManager: cgroupManager ?? "cgroupfs",
    rootless: rootless ?? "auto",
    embedded: true,
    argv0: "runo",
    warn: warn ?? (() => {}),
    ...debug === undefined ? {} : { debug },
  };
}

function createOptions(id: string, settings: CreateSettings, detach: boolean): CreateOptions {
  const { bundle, noPivot = false, noNewKeyring = false, preserveFds = 0 } = settings;
  const { config, consoleSocket, pidfdSocket, pidFile } = settings;
  return {
    ...host(settings),
    id,
    bundle: realDirectory(bundle),
    ...resolved({ config, consoleSocket, pidfdSocket, pidFile }),
    noPivot,
    noNewKeyring,
    preserveFds,
    listenFds: 0,
    detach,
  };
}

async function execOptions(
  id: string,
  given: readonly string[] | Partial<Process>,
  settings: ExecSettings,
  detach: boolean,
): Promise<ExecOptions> {
  const options = host(settings), { consoleSocket, pidfdSocket, pidFile, subCgroups } = settings;
  const changes: Partial<Process> = isList(given) ? { args: given } : given;
  const process: Process = { ...await configuredProcess(loadContainer(options.root, id)), terminal: false, ...changes };
  assertValidProcess(process, "process");
  return {
    ...options,
    id,
    process,
    detach,
    ...resolved({ consoleSocket, pidfdSocket, pidFile }),
    preserveFds: settings.preserveFds ?? 0,
    listenFds: 0,
    ignorePaused: settings.ignorePaused ?? false,
    ...subCgroups === undefined ? {} : { subCgroups },
  };
}

function isList(process: readonly string[] | Partial<Process>): process is readonly string[] {
  return Array.isArray(process);
}

function criuOptions(settings: CriuSettings): CriuOptions {
  const { criu, imagePath, workPath, emptyNs = [], debug = () => {} } = settings;
  return {
    criu,
    imagePath: resolve(imagePath),
    workPath: workPath === undefined ? undefined : resolve(workPath),
    tcpEstablished: settings.tcpEstablished ?? false,
    extUnixSk: settings.extUnixSk ?? false,
    shellJob: settings.shellJob ?? false,
    fileLocks: settings.fileLocks ?? false,
    autoDedup: settings.autoDedup ?? false,
    lazyPages: settings.lazyPages ?? false,
    manageCgroupsMode: settings.manageCgroupsMode ?? "default",
    emptyNs: parseEmptyNs(emptyNs),
    debug,
  };
}

/** Absolute paths of those that are given. */
function resolved<N extends string>(paths: Readonly<Record<N, string | undefined>>): { [P in N]?: string } {
  const given = Object.entries<string | undefined>(paths).filter(([, path]) => path !== undefined);
  return Object.fromEntries(given.map(([name, path]) => [name, resolve(path!)])) as { [P in N]?: string };
}

function realDirectory(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    throw new RunoError(`looking for bundle "${path}"`, { kind: "invalid", cause: error });
  }
}
