/** The request of a restore: what CRIU is told about the container to be. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { AT_FDCWD, CLONE_NEWNET, O_CLOEXEC, O_RDONLY } from "../ffi/abi.ts";
import { call } from "../ffi/call.ts";
import { Fd } from "../ffi/fd.ts";
import { RunoError } from "../core/error.ts";
import type { RuncConfig } from "../core/host/runc_config.ts";
import type { HostFacts } from "../core/plan/inputs.ts";
import type { Mount, NamespaceType } from "../core/spec/types.ts";
import type { CgroupRootSchema, InheritFdSchema, JoinNamespaceSchema } from "./gen/rpc_pb.ts";
import type { Directories } from "./images.ts";
import { restoredMounts } from "./mounts.ts";
import type { RestoreOptions } from "./options.ts";
import {
  commonOptions,
  configFile,
  EXTERNAL_KEYS,
  joinedNamespaces,
  NAMESPACE_FILES,
  type Options,
} from "./request.ts";
import { type Criu, SINCE } from "./version.ts";

export const RESTORE_LOG = "restore.log";

/** stdio and the connection come before the descriptors of namespaces. */
const FIRST_FILE = 4;

/** What a restore is made from. */
export interface RestoreFacts {
  readonly config: RuncConfig;
  readonly annotations: Readonly<Record<string, string>>;
  readonly directories: Directories;
  readonly criu: Criu;
  /** Where stdio of init led at the checkpoint. */
  readonly descriptors: readonly string[];
  readonly namespaces: ExternalNamespaces;
  readonly cgroups: HostFacts["cgroups"];
  /** Those that runo adds to the config's. */
  readonly addedMounts: readonly Mount[];
  /** /proc/PID/cgroup of CRIU, which is in the container's cgroup: there is where it restores cgroups. */
  readonly cgroupsOfCriu: string;
  /** The mount point of the root file system. */
  readonly root: string;
  /** That of the cgroup hierarchies, if they are mounted for CRIU. */
  readonly yard: string | undefined;
}

/** All that CRIU is told. */
export function restoreOptions(options: RestoreOptions, facts: RestoreFacts): Options {
  const { config, criu, directories, namespaces, cgroups, root, yard } = facts;
  return {
    ...commonOptions(existing(options), { directories, configFile: configFile(facts.annotations), yard }),
    logFile: RESTORE_LOG,
    root,
    evasiveDevices: true,
    rstSibling: true,
    extMnt: restoredMounts(config, cgroups, facts.addedMounts),
    cgRoot: cgroupRoots(facts.cgroupsOfCriu),
    joinNs: [...namespaces.joined],
    inheritFd: [...namespaces.inherited, ...inheritedPipes(facts.descriptors)],
    ...securityLabels(options, criu),
    ...options.emptyNs & CLONE_NEWNET ? {} : { veths: veths(config) },
  };
}

/** A mode for cgroups that must not be there yet: the container's own was made for the restore, those in it are missing anyway. */
function existing(options: RestoreOptions): RestoreOptions {
  return options.manageCgroupsMode === "strict" ? { ...options, manageCgroupsMode: "soft" } : options;
}

/** What was a pipe at the checkpoint is now what this process has in its place. */
function inheritedPipes(descriptors: readonly string[]): MessageInitShape<typeof InheritFdSchema>[] {
  return descriptors.flatMap((key, fd) => key.includes("pipe:") ? [{ key, fd }] : []);
}

function securityLabels({ lsmProfile, lsmMountContext }: RestoreOptions, criu: Criu): Options {
  const need = (flag: string) => {
    if (criu.version >= SINCE.lsm) return;
    throw new RunoError(`${flag} requires at least CRIU 3.16`, { kind: "unsupported" });
  };
  if (lsmProfile !== undefined) need("--lsm-profile");
  if (lsmMountContext !== undefined) need("--lsm-mount-context");
  return {
    ...lsmProfile === undefined ? {} : { lsmProfile },
    ...lsmMountContext === undefined ? {} : { lsmMountContext },
  };
}

/** Network devices of old configs of runc; a loopback device needs nothing. */
function veths({ networks }: RuncConfig) {
  return (networks ?? []).filter(({ type }) => type === "veth").map(({ name, host_interface_name }) => ({
    ifIn: String(name),
    ifOut: String(host_interface_name),
  }));
}

/** Namespaces of others that the container is to be in again. Disposing closes them. */
export interface ExternalNamespaces extends Disposable {
  readonly inherited: readonly MessageInitShape<typeof InheritFdSchema>[];
  readonly joined: readonly MessageInitShape<typeof JoinNamespaceSchema>[];
  /** Behind the descriptors that CRIU inherits, in their order. */
  readonly files: readonly Fd[];
}

/**
 * Opens them.
 * @throws {RunoError} `not-found` for one that is gone, with runc's words; `unsupported`
 */
export function openNamespaces(
  config: RuncConfig,
  criu: Criu,
  warn: (message: string) => void,
): ExternalNamespaces {
  using stack = new DisposableStack();
  const inherited: MessageInitShape<typeof InheritFdSchema>[] = [], files: Fd[] = [];
  const joined: MessageInitShape<typeof JoinNamespaceSchema>[] = [];
  for (const { type, path } of joinedNamespaces(config)) {
    const key = EXTERNAL_KEYS[type];
    checkType(type, path);
    if (type === "mount") {
      warn(`CRIU makes the mounts anew in a namespace of the container's own, not in mount namespace "${path}"`);
      continue;
    }
    if (key === undefined) {
      joined.push({ ns: NAMESPACE_FILES[type], nsFile: path });
      continue;
    }
    checkInherits(type, criu);
    inherited.push({ key, fd: FIRST_FILE + files.length });
    files.push(stack.use(openNamespace(type, path)));
  }
  const kept = stack.move();
  return { inherited, joined, files, [Symbol.dispose]: () => kept[Symbol.dispose]() };
}

/** To CRIU a user namespace is always the container's own: it makes it anew, and root of that may not join another one. */
function checkType(type: NamespaceType, path: string): void {
  // the words are runc's
  if (type === "cgroup") throw new RunoError("Do not know how to handle namespace NEWCGROUP", { kind: "unsupported" });
  if (type !== "user") return;
  throw new RunoError(`criu cannot restore into user namespace "${path}"`, {
    kind: "unsupported",
    hint: "without the path and with its maps in config.json the container gets one of its own",
  });
}

function checkInherits(type: NamespaceType, { version }: Criu): void {
  const since = type === "pid" ? SINCE.pidNamespace : SINCE.networkNamespace;
  if (version >= since) return;
  throw new RunoError(
    `criu lacks support for external ${NAMESPACE_FILES[type]} namespace during the restoration process`,
    { kind: "unsupported", hint: `CRIU version ${version} must be ${since} or higher` },
  );
}

function openNamespace(type: string, path: string): Fd {
  try {
    return new Fd(call("openat", AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0));
  } catch (error) {
    throw new RunoError(`Requested ${type} namespace ${path} does not exist`, {
      kind: "invalid",
      cause: error,
      hint: "make it before the restore, or name another one in config.json",
    });
  }
}

/** A line for each hierarchy, an entry for each controller: cgroups(7). */
export function cgroupRoots(text: string): MessageInitShape<typeof CgroupRootSchema>[] {
  return text.split("\n").filter((line) => line !== "").flatMap((line) => {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return controllers.split(",").map((ctrl) => ({ ctrl, path }));
  });
}
