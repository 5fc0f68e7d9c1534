/**
 * The `config` of runc's state.json (libcontainer's `configs.Config`), derived from a Spec, so that runc can work on
 * containers that runo made. Observed from runc 1.1.5, which writes all keys; newer ones omit the empty ones.
 */

import { cleanPath } from "../cgroup/paths.ts";
import type { Capabilities, Device, Hook, Hooks, IdMapping, IntelRdt, NamespaceType, Spec } from "../spec/types.ts";
import { OCI_VERSION } from "../spec/state.ts";
import { defaultDevices, deviceTypeCode, type RuncCgroup, runcCgroup, type RuncCgroupOptions } from "./runc_cgroup.ts";
import { propagationFlags, type RuncMount, runcMount } from "./runc_mounts.ts";
import { RUNC_NAMESPACES } from "./runc_namespaces.ts";
import { type RuncSeccomp, runcSeccomp } from "./runc_seccomp.ts";

/** libcontainer's `configs.Config`. Optional keys may be missing when another version of runc wrote the file. */
export interface RuncConfig {
  readonly no_pivot_root?: boolean;
  readonly parent_death_signal?: number;
  /** Absolute. */
  readonly rootfs: string;
  readonly umask?: number | null;
  readonly readonlyfs?: boolean;
  readonly rootPropagation?: number;
  readonly mounts?: readonly RuncMount[] | null;
  readonly devices?: readonly RuncDevice[] | null;
  readonly mount_label?: string;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly namespaces?: readonly RuncNamespace[] | null;
  readonly capabilities?: RuncCapabilities | null;
  readonly networks?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly routes?: null;
  readonly cgroups?: RuncCgroup;
  readonly apparmor_profile?: string;
  readonly process_label?: string;
  readonly oom_score_adj?: number;
  readonly uid_mappings?: readonly RuncIdMapping[] | null;
  readonly gid_mappings?: readonly RuncIdMapping[] | null;
  readonly mask_paths?: readonly string[] | null;
  readonly readonly_paths?: readonly string[] | null;
  readonly sysctl?: Readonly<Record<string, string>> | null;
  readonly seccomp?: RuncSeccomp | null;
  readonly no_new_privileges?: boolean;
  readonly Hooks?: RuncHooks | null;
  /** The version of the specification, what `ociVersion` of `state` says. */
  readonly version: string;
  /** "key=value" for each annotation, and "bundle=/path" as the last. */
  readonly labels?: readonly string[] | null;
  readonly no_new_keyring?: boolean;
  readonly intel_rdt?: RuncIntelRdt;
  readonly rootless_euid?: boolean;
  readonly rootless_cgroups?: boolean;
}

/** A device node; `type` is the letter's character code. */
export interface RuncDevice {
  readonly type: number;
  readonly major: number;
  readonly minor: number;
  readonly permissions: string;
  readonly allow: boolean;
  readonly path: string;
  readonly file_mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** `type` is the clone(2) flag without "CLONE_". */
export interface RuncNamespace {
  readonly type: string;
  readonly path: string;
}

export interface RuncCapabilities {
  readonly Bounding?: readonly string[] | null;
  readonly Effective?: readonly string[] | null;
  readonly Inheritable?: readonly string[] | null;
  readonly Permitted?: readonly string[] | null;
  readonly Ambient?: readonly string[] | null;
}

export interface RuncIdMapping {
  readonly container_id: number;
  readonly host_id: number;
  readonly size: number;
}

export type RuncHooks = { readonly [Phase in keyof Hooks]?: readonly RuncHook[] | null };

export interface RuncHook {
  readonly path: string;
  readonly args: readonly string[] | null;
  readonly env: readonly string[] | null;
  readonly dir: string;
  /** Nanoseconds. */
  readonly timeout: number | null;
}

export interface RuncIntelRdt {
  readonly closID?: string;
  readonly schemata?: readonly string[];
  readonly l3_cache_schema?: string;
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
}

/** What `runcConfig()` must know beside the spec. */
export interface RuncConfigOptions extends RuncCgroupOptions {
  /** Absolute path of the bundle. */
  readonly bundle: string;
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  readonly rootlessEuid: boolean;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
}

/** The config that runc would have kept for this spec. */
export function runcConfig(spec: Spec, options: RuncConfigOptions): RuncConfig {
  const linux = spec.linux ?? {}, process = spec.process;
  return {
    no_pivot_root: options.noPivot,
    parent_death_signal: 0,
    rootfs: options.rootfs,
    umask: process?.user?.umask ?? null,
    readonlyfs: spec.root?.readonly ?? false,
    rootPropagation: propagationFlags(linux.rootfsPropagation),
    mounts: spec.mounts?.map((mount) => runcMount(mount, (source) => absolute(options.bundle, source))) ?? null,
    devices: devices(spec),
    mount_label: linux.mountLabel ?? "",
    hostname: spec.hostname ?? "",
    ...(spec.domainname === undefined ? {} : { domainname: spec.domainname }),
    namespaces: linux.namespaces?.map(({ type, path }) => ({ type: RUNC_NAMESPACES[type], path: path ?? "" })) ?? null,
    capabilities: process?.capabilities === undefined ? null : capabilities(process.capabilities),
    networks: hasNew(spec, "network") ? [LOOPBACK] : null,
    routes: null,
    cgroups: runcCgroup(spec, options),
    ...nonEmpty("apparmor_profile", process?.apparmorProfile),
    ...nonEmpty("process_label", process?.selinuxLabel),
    ...(process?.oomScoreAdj === undefined ? {} : { oom_score_adj: process.oomScoreAdj }),
    uid_mappings: idMappings(spec, linux.uidMappings),
    gid_mappings: idMappings(spec, linux.gidMappings),
    mask_paths: linux.maskedPaths ?? null,
    readonly_paths: linux.readonlyPaths ?? null,
    sysctl: linux.sysctl ?? null,
    seccomp: linux.seccomp === undefined ? null : runcSeccomp(linux.seccomp),
    ...(process?.noNewPrivileges ? { no_new_privileges: true } : {}),
    Hooks: hooks(spec.hooks ?? {}),
    version: OCI_VERSION,
    labels: [...Object.entries(spec.annotations ?? {}).map(([k, v]) => `${k}=${v}`), `bundle=${options.bundle}`],
    no_new_keyring: options.noNewKeyring,
    ...(linux.intelRdt === undefined ? {} : { intel_rdt: intelRdt(linux.intelRdt) }),
    ...(options.rootlessEuid ? { rootless_euid: true } : {}),
    ...(options.rootlessCgroups ? { rootless_cgroups: true } : {}),
  };
}

function absolute(bundle: string, path: string): string {
  return path.startsWith("/") ? path : cleanPath(`${bundle}/${path}`);
}

function hasNew(spec: Spec, type: NamespaceType): boolean {
  return spec.linux?.namespaces?.some((entry) => entry.type === type && entry.path === undefined) ?? false;
}

const LOOPBACK = {
  type: "loopback",
  name: "",
  bridge: "",
  mac_address: "",
  address: "",
  gateway: "",
  ipv6_address: "",
  ipv6_gateway: "",
  mtu: 0,
  txqueuelen: 0,
  host_interface_name: "",
  hairpin_mode: false,
};

function devices(spec: Spec): RuncDevice[] {
  const own = spec.linux?.devices ?? [];
  const defaults = defaultDevices(own).flatMap(({ path, rule }) =>
    path === undefined ? [] : [{ ...rule, path, file_mode: 0o666, uid: 0, gid: 0 }]
  );
  const all = [...defaults, ...own.map(ownDevice)];
  if (!hasUserNamespace(spec)) return all;
  // in a user namespace runc binds the host's nodes and writes the host ids of the container's root
  const root = { uid: hostRoot(spec.linux?.uidMappings), gid: hostRoot(spec.linux?.gidMappings) };
  return all.map((device) => ({ ...device, ...root }));
}

function ownDevice(device: Device): RuncDevice {
  return {
    type: deviceTypeCode(device.type),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    permissions: "",
    allow: false,
    path: device.path,
    file_mode: (device.fileMode ?? 0o666) & 0o7777,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  };
}

function hasUserNamespace(spec: Spec): boolean {
  return spec.linux?.namespaces?.some(({ type }) => type === "user") ?? false;
}

function hostRoot(mappings: readonly IdMapping[] | undefined): number {
  return mappings?.find(({ containerID }) => containerID === 0)?.hostID ?? 0;
}

function idMappings(spec: Spec, mappings: readonly IdMapping[] | undefined): RuncIdMapping[] | null {
  if (!hasUserNamespace(spec) || mappings === undefined) return null;
  return mappings.map(({ containerID, hostID, size }) => ({ container_id: containerID, host_id: hostID, size }));
}

function capabilities(sets: Capabilities): RuncCapabilities {
  return {
    Bounding: sets.bounding ?? null,
    Effective: sets.effective ?? null,
    Inheritable: sets.inheritable ?? null,
    Permitted: sets.permitted ?? null,
    Ambient: sets.ambient ?? null,
  };
}

function hooks(phases: Hooks): RuncHooks {
  return {
    createContainer: phases.createContainer?.map(hook) ?? null,
    createRuntime: phases.createRuntime?.map(hook) ?? null,
    poststart: phases.poststart?.map(hook) ?? null,
    poststop: phases.poststop?.map(hook) ?? null,
    prestart: phases.prestart?.map(hook) ?? null,
    startContainer: phases.startContainer?.map(hook) ?? null,
  };
}

function hook({ path, args, env, timeout }: Hook): RuncHook {
  return { path, args: args ?? null, env: env ?? null, dir: "", timeout: timeout === undefined ? null : timeout * 1e9 };
}

function intelRdt(rdt: IntelRdt): RuncIntelRdt {
  const { closID, schemata = [], l3CacheSchema, memBwSchema, enableMonitoring } = rdt;
  return {
    ...nonEmpty("closID", closID),
    ...(schemata.length === 0 ? {} : { schemata }),
    ...nonEmpty("l3_cache_schema", l3CacheSchema),
    ...nonEmpty("memBwSchema", memBwSchema),
    ...(enableMonitoring ? { enableMonitoring } : {}),
  };
}

function nonEmpty<K extends string>(key: K, value: string | undefined): { readonly [_ in K]?: string } {
  return value === undefined || value === "" ? {} : { [key]: value } as { readonly [_ in K]: string };
}
