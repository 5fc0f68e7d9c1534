/** What runo can do, as the document that runtime-spec features.md describes. The lists are those that the code accepts by. */

import { libseccompVersion } from "../../ffi/libseccomp.ts";
import { CAPABILITIES } from "../spec/capabilities.ts";
import { MOUNT_OPTIONS } from "../spec/mount_options.ts";
import { OCI_VERSION, OCI_VERSION_MIN } from "../spec/state.ts";
import { HOOK_PHASES } from "../spec/validate/hooks.ts";
import { MEMORY_FLAGS, NODES_OF_MODE } from "../spec/validate/linux.ts";
import { NAMESPACE_TYPES } from "../spec/validate/namespaces.ts";
import type { SeccompFlag } from "../spec/types.ts";
import { ACTIONS, ARCHITECTURES, FLAGS, OPERATORS } from "../spec/validate/seccomp.ts";
import { isFlagSupported } from "./seccomp_flags.ts";

/** Whether something is there. */
interface Enabled {
  readonly enabled: boolean;
}

/** The document; its shape is the specification's. */
export interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: LinuxFeatures;
  readonly annotations: Readonly<Record<string, string>>;
  readonly potentiallyUnsafeConfigAnnotations: readonly string[];
}

/** What only Linux has. */
export interface LinuxFeatures {
  readonly namespaces: readonly string[];
  readonly capabilities: readonly string[];
  readonly cgroup: Readonly<Record<"v1" | "v2" | "systemd" | "systemdUser" | "rdma", boolean>>;
  readonly seccomp: Enabled & {
    readonly actions: readonly string[];
    readonly operators: readonly string[];
    readonly archs: readonly string[];
    /** Those that runo knows, and those of them that this kernel knows. */
    readonly knownFlags: readonly string[];
    readonly supportedFlags: readonly string[];
  };
  readonly apparmor: Enabled;
  readonly selinux: Enabled;
  readonly intelRdt: Enabled & { readonly schemata: boolean; readonly monitoring: boolean };
  readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] };
  readonly mountExtensions: { readonly idmap: Enabled };
  readonly netDevices: Enabled;
}

/** What is not the specification's to say. */
export interface Build {
  readonly version: string;
  readonly commit: string | undefined;
}

/** Annotations of config.json that change what happens on the host: whoever takes configs from strangers must know them. */
const UNSAFE_ANNOTATIONS = ["bundle", "org.systemd.property.", "org.criu.config"];

/** Looks at the kernel where that decides. */
export function readFeatures({ version, commit }: Build): Features {
  const libseccomp = libseccompVersion();
  return {
    ociVersionMin: OCI_VERSION_MIN,
    ociVersionMax: OCI_VERSION,
    hooks: HOOK_PHASES,
    mountOptions: [...MOUNT_OPTIONS].sort(),
    linux: {
      namespaces: NAMESPACE_TYPES.toSorted(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: libseccomp !== undefined,
        actions: [...ACTIONS].sort(),
        operators: [...OPERATORS].sort(),
        archs: [...ARCHITECTURES].sort(),
        knownFlags: [...FLAGS].sort(),
        supportedFlags: ([...FLAGS] as SeccompFlag[]).sort().filter(isFlagSupported),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: Object.keys(NODES_OF_MODE).sort(), flags: MEMORY_FLAGS },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {
      ...libseccomp === undefined ? {} : { "io.github.seccomp.libseccomp.version": libseccomp },
      // runc's names: clients look for them
      "org.opencontainers.runc.checkpoint.enabled": "true",
      ...commit === undefined ? {} : { "org.opencontainers.runc.commit": commit },
      "org.opencontainers.runc.version": version,
    },
    potentiallyUnsafeConfigAnnotations: UNSAFE_ANNOTATIONS,
  };
}
