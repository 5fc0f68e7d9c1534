/** What a plan is made from, beside config.json: options and facts about the host, collected before by core/host/facts.ts. */

import type { Mount, Namespace, NamespaceType, Spec } from "../spec/types.ts";
import type { CgroupDirectories } from "./cgroup.ts";
import type { Architecture } from "../program/image.ts";
import type { SeccompFilter } from "./seccomp.ts";

/** One hierarchy that a `cgroup` mount shows. */
export interface CgroupMount {
  /** The directory's name below /sys/fs/cgroup: "memory", "cpu,cpuacct", "systemd", "unified"; "" for the whole of v2. */
  readonly name: string;
  /** Options of a `cgroup` file system: "memory", "cpu,cpuacct", "name=systemd". */
  readonly data: string;
  /** The container's own directory on the host. */
  readonly directory: string;
  /** Links to make beside it, for hierarchies of several controllers. */
  readonly links: readonly string[];
}

/** What the plan must know of the host. */
export interface HostFacts {
  readonly arch: Architecture;
  readonly euid: number;
  readonly egid: number;
  /** The number of the last capability that the kernel knows. */
  readonly lastCapability: number;
  /** The soft RLIMIT_NOFILE of the caller, when runo's own was raised, and the hard one. */
  readonly nofile: { readonly soft: bigint; readonly hard: bigint } | undefined;
  /** What the source of each bind mount is, by the index of the mount. */
  readonly sources: ReadonlyMap<number, "directory" | "file" | "missing">;
  /** What a mount of type cgroup shows. */
  readonly cgroups: { readonly version: 1 | 2; readonly mounts: readonly CgroupMount[] } | undefined;
  /** procfs and sysfs mounts of the host that must not stay visible without pivot_root. */
  readonly hostProcMounts: readonly string[];
}

/** Everything that `planCreate` needs. */
export interface CreateInputs {
  readonly spec: Spec;
  readonly id: string;
  /** Absolute, without symlinks. */
  readonly rootfs: string;
  readonly bundle: string;
  /** The mount below which the root file system lies, when the asked propagation could leak what is mounted there. */
  readonly rootfsParent: string | undefined;
  readonly facts: HostFacts;
  readonly cgroup: CgroupDirectories;
  readonly seccomp: SeccompFilter | undefined;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** Descriptors from 3 that the program keeps. */
  readonly keepFds: number;
  /** Number of the descriptor of exec.fifo, as the program inherits it. */
  readonly fifo: number;
  /** Number of the descriptor of the conversation. */
  readonly socket: number;
  /** Descriptors of user namespaces, by the index of the mount that gets their maps. */
  readonly idmaps: ReadonlyMap<number, number>;
  /** Variables added to process.env: LISTEN_FDS and the like. */
  readonly extraEnv: readonly string[];
  /** Mounts added to those of the config. */
  readonly extraMounts: readonly Mount[];
}

/** The namespace entry of a type, if the config has one. */
export function namespaceOf(spec: Spec, type: NamespaceType): Namespace | undefined {
  return spec.linux?.namespaces?.find((namespace) => namespace.type === type);
}

/** True when the config asks for a new namespace of the type. */
export function isNew(spec: Spec, type: NamespaceType): boolean {
  const namespace = namespaceOf(spec, type);
  return namespace !== undefined && (namespace.path ?? "") === "";
}

/** True when there is an entry of the type, new or joined. */
export function hasNamespace(spec: Spec, type: NamespaceType): boolean {
  return namespaceOf(spec, type) !== undefined;
}
