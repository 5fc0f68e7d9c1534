/** The shape of every part of `config.json`: the run-time twin of types.ts. */

import { PROCESS } from "./schema/process.ts";
import { RESOURCES } from "./schema/resources.ts";
import { list, map, object, type Shape } from "./shape.ts";

const STRINGS = list("string");

const ID_MAPPINGS = list(object({ containerID: "uint32", hostID: "uint32", size: "uint32" }));

const MOUNTS = list(object({ destination: "string" }, {
  type: "string",
  source: "string",
  options: STRINGS,
  uidMappings: ID_MAPPINGS,
  gidMappings: ID_MAPPINGS,
}));

const HOOK_LIST = list(object({ path: "string" }, { args: STRINGS, env: STRINGS, timeout: "int" }));

const HOOKS = object({}, {
  prestart: HOOK_LIST,
  createRuntime: HOOK_LIST,
  createContainer: HOOK_LIST,
  startContainer: HOOK_LIST,
  poststart: HOOK_LIST,
  poststop: HOOK_LIST,
});

const SECCOMP = object({}, {
  defaultAction: "string",
  defaultErrnoRet: "uint32",
  architectures: STRINGS,
  flags: STRINGS,
  listenerPath: "string",
  listenerMetadata: "string",
  syscalls: list(object({ names: STRINGS, action: "string" }, {
    errnoRet: "uint32",
    args: list(object({ index: "uint32", value: "exact", op: "string" }, { valueTwo: "exact" })),
  })),
});

const LINUX = object({}, {
  uidMappings: ID_MAPPINGS,
  gidMappings: ID_MAPPINGS,
  sysctl: map("string"),
  resources: RESOURCES,
  cgroupsPath: "string",
  namespaces: list(object({ type: "string" }, { path: "string" })),
  devices: list(object({ path: "string", type: "string" }, {
    major: "int64",
    minor: "int64",
    fileMode: "uint32",
    uid: "uint32",
    gid: "uint32",
  })),
  netDevices: map(object({}, { name: "string" })),
  seccomp: SECCOMP,
  rootfsPropagation: "string",
  maskedPaths: STRINGS,
  readonlyPaths: STRINGS,
  mountLabel: "string",
  intelRdt: object({}, {
    closID: "string",
    schemata: STRINGS,
    l3CacheSchema: "string",
    memBwSchema: "string",
    enableMonitoring: "boolean",
    enableCMT: "boolean",
    enableMBM: "boolean",
  }),
  // no mode is an invalid one: the sentence is runc's
  memoryPolicy: object({}, { mode: "string", nodes: "string", flags: STRINGS }),
  personality: object({ domain: "string" }, { flags: STRINGS }),
  // the clocks are free keys here, so that an unknown one is reported and not lost
  timeOffsets: map(object({}, { secs: "int64", nanosecs: "uint32" })),
});

/** `Spec`: the whole of `config.json`. */
export const SPEC: Shape = object({ ociVersion: "string" }, {
  process: PROCESS,
  root: object({ path: "string" }, { readonly: "boolean" }),
  hostname: "string",
  domainname: "string",
  mounts: MOUNTS,
  hooks: HOOKS,
  annotations: map("string"),
  linux: LINUX,
});
