import { type Changes, errors } from "../config.ts";

const resources = (resources: unknown): Changes => ({ "linux.resources": resources });
errors("checks device rules, memory, cpu and pids", [
  [resources({ devices: [{ allow: true, type: "c", major: -1, access: "rwm" }] })],
  [
    resources({ devices: [{ allow: true, type: "p", major: -2, access: "rx" }, { allow: false }] }),
    '/linux/resources/devices/0/type: invalid cgroup device type "p"',
    "/linux/resources/devices/0/major: must be -1 or more",
    "/linux/resources/devices/1/access: device access at 1 field cannot be empty",
  ],
  [resources({ memory: { limit: 5, swap: 5, swappiness: 100 }, pids: { limit: -1 } })],
  [resources({ memory: { limit: -1, swap: -1, swappiness: 2 ** 64 } })],
  [
    resources({ memory: { limit: 5, swap: 4 } }),
    "/linux/resources/memory/swap: memory+swap limit should be >= memory limit",
  ],
  [resources({ memory: { swap: 4 } }), "/linux/resources/memory/swap: unable to set swap limit without memory limit"],
  [
    resources({ memory: { limit: -2, swappiness: 101 }, pids: { limit: -2 } }),
    "/linux/resources/memory/limit: must be -1 or more",
    "/linux/resources/memory/swappiness: invalid memory swappiness value: 101 (valid range is 0-100)",
    "/linux/resources/pids/limit: must be -1 or more",
  ],
  [resources({ cpu: { quota: 10, burst: 10, cpus: "0-1", mems: "0", idle: 1 } })],
  [resources({ cpu: { quota: -1, burst: 10 } })],
  [
    resources({ cpu: { quota: 10, burst: 11, realtimeRuntime: 2, realtimePeriod: 1, cpus: "x", mems: ",", idle: 2 } }),
    "/linux/resources/cpu/burst: burst 11 is above the quota 10",
    "/linux/resources/cpu/realtimeRuntime: realtimeRuntime 2 is above the realtimePeriod 1",
    '/linux/resources/cpu/cpus: "x" is not a list such as "0-3,7"',
    '/linux/resources/cpu/mems: "," is not a list such as "0-3,7"',
    "/linux/resources/cpu/idle: must be 0 or 1",
  ],
]);

errors("checks block I/O, huge pages, network, rdma and unified", [
  [resources({ blockIO: { weight: 0, leafWeight: 1000, weightDevice: [{ major: 8, minor: 0, weight: 10 }] } })],
  [
    resources({
      blockIO: {
        weight: 9,
        weightDevice: [{ major: 8, minor: -1 }],
        throttleReadIOPSDevice: [{ major: -1, minor: 0, rate: 1 }],
      },
    }),
    "/linux/resources/blockIO/weight: must be from 10 to 1000",
    "/linux/resources/blockIO/weightDevice/0/minor: must be 0 or more",
    "/linux/resources/blockIO/weightDevice/0: at least one of weight and leafWeight must be set",
    "/linux/resources/blockIO/throttleReadIOPSDevice/0/major: must be 0 or more",
  ],
  [resources({ hugepageLimits: [{ pageSize: "64KB", limit: 1 }] })],
  [
    resources({ hugepageLimits: [{ pageSize: "../2MB", limit: 1 }] }),
    '/linux/resources/hugepageLimits/0/pageSize: "../2MB" is not a size such as "2MB"',
  ],
  [
    resources({ network: { priorities: [{ name: "a b", priority: 1 }] } }),
    '/linux/resources/network/priorities/0/name: invalid network device name "a b"',
  ],
  [
    resources({ rdma: { mlx5_1: {}, mlx4_0: { hcaHandles: 1 } } }),
    "/linux/resources/rdma/mlx5_1: at least one of hcaHandles and hcaObjects must be set",
  ],
  [
    resources({ unified: { "memory.high": "1", "../cgroup.procs": "1" } }),
    '/linux/resources/unified/..~1cgroup.procs: unified resource "../cgroup.procs" must be a file name (no slashes)',
  ],
]);
