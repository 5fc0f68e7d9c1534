/** The shape of a process. */

import { list, object, type Shape } from "../shape.ts";

const STRINGS = list("string");

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
