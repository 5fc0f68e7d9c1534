/** The configs that `spec` writes. */

import { OCI_VERSION } from "./state.ts";
import type { IdMapping, Linux, Mount, NamespaceType, Process, Spec } from "./types.ts";

const CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

// No inheritable and no ambient set: CVE-2022-24769, and what is not there cannot leak into an unprivileged child.
const PROCESS: Process = {
  terminal: true,
  user: { uid: 0, gid: 0 },
  args: ["sh"],
  env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
  cwd: "/",
  capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
  rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
  noNewPrivileges: true,
};

const SHM_OPTIONS = ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"];
const PTS_OPTIONS = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"];
const CGROUP_OPTIONS = ["nosuid", "noexec", "nodev", "relatime", "ro"];

const MOUNTS: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  { destination: "/dev/pts", type: "devpts", source: "devpts", options: PTS_OPTIONS },
  { destination: "/dev/shm", type: "tmpfs", source: "shm", options: SHM_OPTIONS },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: CGROUP_OPTIONS },
];

const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];

const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

const NAMESPACES: readonly NamespaceType[] = ["pid", "network", "ipc", "uts", "mount"];

/**
 * A config to start from, the one of `runc spec` 1.5 but for the host name.
 *
 * @param host `cgroupV2`: whether the host has nothing but cgroup v2; only then is a cgroup namespace worth having
 */
export function defaultSpec(host: { readonly cgroupV2: boolean }): Spec {
  const types: readonly NamespaceType[] = host.cgroupV2 ? [...NAMESPACES, "cgroup"] : NAMESPACES;
  return {
    ociVersion: OCI_VERSION,
    process: PROCESS,
    root: { path: "rootfs", readonly: true },
    hostname: "runo",
    mounts: MOUNTS,
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: types.map((type) => ({ type })),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
}

/** The same config for a user without privileges, who becomes root inside: `spec --rootless`. Ids are the effective ones. */
export function rootlessSpec(spec: Spec, ids: { readonly uid: number; readonly gid: number }): Spec {
  const { resources: _, namespaces = [], ...linux }: Linux = spec.linux ?? {};
  const kept = namespaces.filter(({ type }) => type !== "network" && type !== "user");
  return {
    ...spec,
    ...(spec.mounts === undefined ? {} : { mounts: spec.mounts.map(rootlessMount) }),
    linux: {
      uidMappings: [rootMapping(ids.uid)],
      gidMappings: [rootMapping(ids.gid)],
      namespaces: [...kept, { type: "user" }],
      ...linux,
    },
  };
}

function rootMapping(hostID: number): IdMapping {
  return { containerID: 0, hostID, size: 1 };
}

function rootlessMount(mount: Mount): Mount {
  if (mount.destination === "/sys") {
    // sysfs belongs to the network namespace, which stays the host's: mounting it anew is not allowed
    const options = ["rbind", "nosuid", "noexec", "nodev", "ro"];
    return { destination: "/sys", type: "none", source: "/sys", options };
  }
  if (mount.options === undefined) return mount;
  // only one id is mapped, so no other can own anything
  return { ...mount, options: mount.options.filter((option) => !/^[ug]id=/.test(option)) };
}

/** A config as the text of `config.json`: indented by tabs, no final newline, as runc writes it. */
export function formatSpec(spec: Spec): string {
  return JSON.stringify(spec, exactNumbers, "\t");
}

// ECMA-262 "JSON.parse source text access"; TypeScript's library does not know it yet
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const EXACT: ReadonlySet<string> = new Set(["hard", "soft", "value", "valueTwo"]);

// A Uint64 is text only where a number would lose bits; annotations of the same name hold no such siblings.
function exactNumbers(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const isExact = EXACT.has(key) && typeof value === "string" && ("op" in this || "hard" in this && "soft" in this);
  return isExact ? rawJSON(value) : value;
}
