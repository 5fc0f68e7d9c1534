/** The options of CRIU that a dump and a restore have in common. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RuncConfig } from "../core/host/runc_config.ts";
import { RUNC_NAMESPACES } from "../core/host/runc_namespaces.ts";
import type { NamespaceType } from "../core/spec/types.ts";
import { CriuCgMode, type CriuOpts, type CriuOptsSchema } from "./gen/rpc_pb.ts";
import type { Directories } from "./images.ts";
import type { CgroupsMode, CriuOptions } from "./options.ts";

/** Options as they are given to `create()`. */
export type Options = Exclude<MessageInitShape<typeof CriuOptsSchema>, CriuOpts>;

const CGROUP_MODES = {
  default: CriuCgMode.DEFAULT,
  soft: CriuCgMode.SOFT,
  full: CriuCgMode.FULL,
  strict: CriuCgMode.STRICT,
  ignore: CriuCgMode.IGNORE,
} as const satisfies Record<CgroupsMode, CriuCgMode>;

/** Everything that CRIU logs. */
const LOG_LEVEL = 4;

/** What is the same for both. */
export function commonOptions(options: CriuOptions, { directories, configFile, yard }: {
  readonly directories: Directories;
  readonly configFile: string | undefined;
  /** Where the cgroup hierarchies are. */
  readonly yard: string | undefined;
}): Options {
  return {
    imagesDirFd: directories.images.number,
    ...directories.work === undefined ? {} : { workDirFd: directories.work.number },
    logLevel: LOG_LEVEL,
    notifyScripts: true,
    // for CRIU 1.6 and older
    manageCgroups: true,
    manageCgroupsMode: CGROUP_MODES[options.manageCgroupsMode],
    shellJob: options.shellJob,
    tcpEstablished: options.tcpEstablished,
    extUnixSk: options.extUnixSk,
    fileLocks: options.fileLocks,
    emptyNs: options.emptyNs,
    orphanPtsMaster: true,
    autoDedup: options.autoDedup,
    lazyPages: options.lazyPages,
    ...configFile === undefined ? {} : { configFile },
    ...yard === undefined ? {} : { cgroupYard: yard },
  };
}

/** Who has no annotation gets the file of all containers; CRIU does not mind if it is missing. */
const DEFAULT_CONFIG_FILE = "/etc/criu/runc.conf";

/** The annotation `org.criu.config`: a file of CRIU options that count more than those of the command; empty for none. */
export function configFile(annotations: Readonly<Record<string, string>>): string | undefined {
  const file = annotations["org.criu.config"] ?? DEFAULT_CONFIG_FILE;
  return file === "" ? undefined : file;
}

/** Namespaces that are somebody else's: type and path. */
export function joinedNamespaces({ namespaces }: RuncConfig): { type: NamespaceType; path: string }[] {
  const types = new Map(Object.entries(RUNC_NAMESPACES).map(([type, name]) => [name, type as NamespaceType]));
  return (namespaces ?? []).flatMap(({ type, path }) => {
    const known = types.get(type);
    return known === undefined || path === "" ? [] : [{ type: known, path }];
  });
}

/** What the kernel, and CRIU, call a namespace in /proc/PID/ns. */
export const NAMESPACE_FILES: Readonly<Record<NamespaceType, string>> = {
  network: "net",
  pid: "pid",
  mount: "mnt",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};

/** The key that stands for an external namespace in the images. */
export const EXTERNAL_KEYS: Readonly<Partial<Record<NamespaceType, string>>> = {
  network: "extRootNetNS",
  pid: "extRootPidNS",
};

/** Each option with its value, for `--debug`. */
export function describeOptions(options: Options): string[] {
  return Object.entries(options).filter(([name]) => name !== "$typeName").map(([name, value]) =>
    `CRIU option ${name[0]!.toUpperCase()}${name.slice(1)} with value ${describe(value)}`
  );
}

function describe(value: unknown): string {
  if (!Array.isArray(value)) return typeof value === "object" ? JSON.stringify(value) : String(value);
  return `[${value.map((entry) => typeof entry === "string" ? entry : pairs(entry)).join(" ")}]`;
}

function pairs(entry: object): string {
  return Object.entries(entry).map(([key, value]) => `${key}:${JSON.stringify(value)}`).join(" ");
}
