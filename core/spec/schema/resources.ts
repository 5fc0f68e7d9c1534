/** The shape of resources. */

import { list, map, object, type Shape } from "../shape.ts";

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
