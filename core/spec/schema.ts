/** The shape of every part of `config.json`: the run-time twin of types.ts. */

import { list, map, object, type Shape } from "./shape.ts";

const STRINGS = list("string");

const ID_MAPPINGS = list(object({ containerID: "uint32", hostID: "uint32", size: "uint32" }));

/** `Process`, also the whole of the file for `exec --process`. */
export const PROCESS: Shape = object({ cwd: "string" }, {
  terminal: "boolean",
  consoleSize: object({ height: "uint16", width: "uint16" }),
  // runc takes an absent id for 0, and callers rely on it
  user: object({ uid: "uint32", gid: "uint32" }, {
    umask: "uint32",
    additionalGids: list("uint32"),
    username: "string",
  }, ["uid", "gid"]),
  args: STRINGS,
  env: STRINGS,
  capabilities: object({}, {
    bounding: STRINGS,
    effective: STRINGS,
    inheritable: STRINGS,
    permitted: STRINGS,
    ambient: STRINGS,
  }),
  rlimits: list(object({ type: "string", hard: "exact", soft: "exact" })),
  noNewPrivileges: "boolean",
  apparmorProfile: "string",
  oomScoreAdj: "int",
  scheduler: object({ policy: "string" }, {
    nice: "int32",
    priority: "int32",
    flags: STRINGS,
    runtime: "uint64",
    deadline: "uint64",
    period: "uint64",
  }),
  selinuxLabel: "string",
  ioPriority: object({ class: "string", priority: "int" }, {}, ["priority"]),
  execCPUAffinity: object({}, { initial: "string", final: "string" }),
});

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

const THROTTLE = list(object({ major: "int64", minor: "int64", rate: "uint64" }));

const BLOCK_IO = object({}, {
  weight: "uint16",
  leafWeight: "uint16",
  weightDevice: list(object({ major: "int64", minor: "int64" }, { weight: "uint16", leafWeight: "uint16" })),
  throttleReadBpsDevice: THROTTLE,
  throttleWriteBpsDevice: THROTTLE,
  throttleReadIOPSDevice: THROTTLE,
  throttleWriteIOPSDevice: THROTTLE,
});

/** `Resources`, also the whole of the file for `update --resources`. */
export const RESOURCES: Shape = object({}, {
  devices: list(object({ allow: "boolean" }, { type: "string", major: "int64", minor: "int64", access: "string" })),
  memory: object({}, {
    limit: "int64",
    reservation: "int64",
    swap: "int64",
    kernel: "int64",
    kernelTCP: "int64",
    swappiness: "uint64",
    disableOOMKiller: "boolean",
    useHierarchy: "boolean",
    checkBeforeUpdate: "boolean",
  }),
  cpu: object({}, {
    shares: "uint64",
    quota: "int64",
    burst: "uint64",
    period: "uint64",
    realtimeRuntime: "int64",
    realtimePeriod: "uint64",
    cpus: "string",
    mems: "string",
    idle: "int64",
  }),
  pids: object({}, { limit: "int64" }),
  blockIO: BLOCK_IO,
  hugepageLimits: list(object({ pageSize: "string", limit: "uint64" })),
  network: object({}, {
    classID: "uint32",
    priorities: list(object({ name: "string", priority: "uint32" })),
  }),
  rdma: map(object({}, { hcaHandles: "uint32", hcaObjects: "uint32" })),
  unified: map("string"),
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
  memoryPolicy: object({ mode: "string" }, { nodes: "string", flags: STRINGS }),
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
