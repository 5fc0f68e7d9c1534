/** The request of a dump: what CRIU is told about the container. */

import { RunoError } from "../core/error.ts";
import type { Container } from "../core/host/container.ts";
import { notifyMounts } from "../core/host/notify.ts";
import { RUNC_NAMESPACES } from "../core/host/runc_namespaces.ts";
import { recordedAnnotations } from "../core/host/state_file.ts";
import { CriuNetworkLockMethod } from "./gen/rpc_pb.ts";
import type { Directories } from "./images.ts";
import { exists } from "./mountpoints.ts";
import { dumpedMounts } from "./mounts.ts";
import type { CheckpointOptions } from "./options.ts";
import {
  commonOptions,
  configFile,
  EXTERNAL_KEYS,
  joinedNamespaces,
  NAMESPACE_FILES,
  type Options,
} from "./request.ts";
import { type Criu, SINCE } from "./version.ts";

export const DUMP_LOG = "dump.log";

/** All that CRIU is told. */
export function dumpOptions(
  container: Container,
  options: CheckpointOptions,
  { directories, criu, statusFd, yard }: {
    readonly directories: Directories;
    readonly criu: Criu;
    readonly statusFd: number | undefined;
    readonly yard: string | undefined;
  },
): Options {
  const { config, init_process_pid: pid } = container.state;
  const freezer = freezerOf(container, criu);
  const { parentPath, pageServer } = options;
  return {
    ...commonOptions(options, { directories, configFile: configFile(recordedAnnotations(container.state)), yard }),
    logFile: DUMP_LOG,
    root: config.rootfs,
    pid,
    leaveRunning: options.leaveRunning,
    tcpSkipInFlight: options.tcpSkipInFlight,
    linkRemap: options.linkRemap,
    external: externalNamespaces(container, criu),
    ...isNetworkQuiet(container, options, criu) ? { networkLock: CriuNetworkLockMethod.SKIP } : {},
    ...freezer === undefined ? {} : { freezeCgroup: freezer },
    ...pageServer === undefined ? {} : { ps: pageServer },
    ...parentPath === undefined ? {} : { parentImg: parentPath, trackMem: true },
    ...statusFd === undefined || criu.version >= SINCE.statusReady ? {} : { statusFd },
    // a pre-dump is about memory alone
    ...options.preDump ? {} : { extMnt: dumpedMounts(config, pid, notifyMounts(container.dir)) },
  };
}

/**
 * Whether nobody can send anything to the container meanwhile: then CRIU need not run iptables a dozen times to keep that
 * away, here and at the restore.
 */
function isNetworkQuiet({ state }: Container, { tcpEstablished }: CheckpointOptions, { version }: Criu): boolean {
  // between the two ends of a connection the kernel goes on sending
  if (version < SINCE.networkLockSkip || tcpEstablished || mayAllowConnections(state)) return false;
  const isOwn = state.config.namespaces?.some(({ type, path }) => type === RUNC_NAMESPACES.network && path === "");
  return isOwn === true && networkDevices(state.init_process_pid).every((name) => name === "lo");
}

/** A configuration file counts more than the flags. */
function mayAllowConnections(state: Container["state"]): boolean {
  const file = configFile(recordedAnnotations(state));
  // where a relative path is looked for depends on CRIU: in the work directory before 4.2
  return file !== undefined && (!file.startsWith("/") || exists(file));
}

/** In the network namespace of the process. */
function networkDevices(pid: number): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/net/dev`);
  return [...text.matchAll(/^ *([^\s|:]+):/gm)].map(([, name]) => name!);
}

/** The cgroup that holds the processes still; without, CRIU stops each by ptrace. */
function freezerOf({ state }: Container, criu: Criu): string | undefined {
  const { freezer, "": unified } = state.cgroup_paths ?? {};
  if (freezer !== undefined && freezer !== "") return freezer;
  return unified === "" || criu.version < SINCE.unifiedFreezer || hasV1(state.cgroup_paths) ? undefined : unified;
}

// beside controllers of v1 the unified hierarchy is no freezer
function hasV1(paths: Container["state"]["cgroup_paths"]): boolean {
  return Object.keys(paths ?? {}).some((controller) => controller !== "");
}

/** "net[inode]:key": what is somebody else's is not dumped, but must be there again on restore. */
function externalNamespaces({ state }: Container, criu: Criu): string[] {
  return joinedNamespaces(state.config).flatMap(({ type, path }) => {
    const key = EXTERNAL_KEYS[type], file = NAMESPACE_FILES[type];
    const since = type === "pid" ? SINCE.pidNamespace : SINCE.networkNamespace;
    if (key === undefined) return [];
    if (criu.version < since) {
      throw new RunoError(`criu lacks support for external ${file} namespace during checkpointing process`, {
        kind: "unsupported",
        hint: `CRIU version ${criu.version} must be ${since} or higher`,
      });
    }
    return [`${file}[${inode(path)}]:${key}`];
  });
}

function inode(path: string): number {
  try {
    return Deno.statSync(path).ino!;
  } catch (error) {
    throw new RunoError(`looking at the container's namespace "${path}"`, { cause: error });
  }
}
