import { both, type Changes, errors, map, namespaces, userNamespace } from "../config.ts";

const six = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
errors("checks namespaces", [
  [{ "linux.namespaces.6": { type: "time", path: "/proc/1/ns/time" } }],
  [{ "linux.namespaces.6": { type: "net" } }, '/linux/namespaces/6/type: namespace "net" does not exist'],
  [{ "linux.namespaces.6": { type: "pid" } }, '/linux/namespaces/6/type: malformed spec file: duplicated ns "pid"'],
  [{ "linux.namespaces.0.path": "ns" }, "/linux/namespaces/0/path: must be an absolute path"],
  [{ "linux.namespaces.0.path": "/a,b" }, "/linux/namespaces/0/path: must not contain a comma"],
  [
    { "linux.namespaces": namespaces("mount"), domainname: "d" },
    "/hostname: unable to set hostname without a private UTS namespace",
    "/domainname: unable to set domainname without a private UTS namespace",
  ],
  [{ hostname: "h".repeat(64) }],
  [{ hostname: "é".repeat(33) }, "/hostname: is longer than 64 bytes"],
  [
    { linux: undefined, hostname: "h" },
    "/hostname: unable to set hostname without a private UTS namespace",
  ],
  [
    { "linux.namespaces": namespaces("uts") },
    "/linux/maskedPaths: unable to restrict sys entries without a private MNT namespace",
    "/linux/readonlyPaths: unable to restrict sys entries without a private MNT namespace",
  ],
  [{ "linux.maskedPaths": ["proc/kcore"] }, "/linux/maskedPaths/0: must be an absolute path"],
  [{ "linux.readonlyPaths": ["/a", "b"] }, "/linux/readonlyPaths/1: must be an absolute path"],
]);

const NO_USER = "user namespace mappings specified, but user namespace isn't enabled in the config";
errors("checks id mappings", [
  [userNamespace],
  [
    { "linux.uidMappings": both.uidMappings, "linux.gidMappings": both.gidMappings },
    `/linux/uidMappings: ${NO_USER}`,
    `/linux/gidMappings: ${NO_USER}`,
  ],
  [
    { "linux.namespaces": namespaces(...six, "user") },
    "/linux/uidMappings: user namespaces enabled, but no namespace path to join nor mappings to apply specified",
  ],
  [{ "linux.namespaces.6": { type: "user", path: "/proc/1/ns/user" } }],
  [
    { ...userNamespace, "linux.uidMappings": [] },
    "/linux/uidMappings: user namespaces enabled, but no uid mappings found",
  ],
  [
    { ...userNamespace, "linux.gidMappings": undefined },
    "/linux/gidMappings: user namespaces enabled, but no gid mappings found",
  ],
  [
    { ...userNamespace, "linux.uidMappings": [map(0, 0, 2), map(1, 5, 1), map(9, 5, 1)] },
    "/linux/uidMappings/1/containerID: overlaps the range of /linux/uidMappings/0",
    "/linux/uidMappings/2/hostID: overlaps the range of /linux/uidMappings/1",
  ],
  [
    { ...userNamespace, "linux.gidMappings": [map(0, 4294967295, 2)] },
    "/linux/gidMappings/0: hostID and size go beyond the last id",
  ],
  [
    { ...userNamespace, "linux.gidMappings": Array.from({ length: 341 }, (_, id) => map(id, id, 1)) },
    "/linux/gidMappings: has more than 340 entries",
  ],
  [
    { ...userNamespace, "process.user": { uid: 10, gid: 11, additionalGids: [9, 12] } },
    "/process/user/uid: user namespaces enabled, but no mapping found for uid 10",
    "/process/user/gid: user namespaces enabled, but no mapping found for gid 11",
    "/process/user/additionalGids/1: user namespaces enabled, but no mapping found for gid 12",
  ],
]);

const time = (timeOffsets: unknown, ...more: unknown[]): Changes => ({
  "linux.timeOffsets": timeOffsets,
  "linux.namespaces": [...namespaces(...six), ...more],
});
errors("checks time offsets", [
  [time({ monotonic: { secs: -5 }, boottime: { nanosecs: 999999999 } }, { type: "time" })],
  [
    time({ monotonic: {} }),
    "/linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config",
  ],
  [
    time({ boottime: {} }, { type: "time", path: "/t" }),
    "/linux/timeOffsets: time namespace enabled, but both namespace path and time offsets specified -- " +
    "you may only provide one",
  ],
  [
    time({ realtime: {}, monotonic: { nanosecs: 1000000000 } }, { type: "time" }),
    '/linux/timeOffsets/realtime: unknown clock, only "monotonic" and "boottime" have offsets',
    "/linux/timeOffsets/monotonic/nanosecs: must be below 1000000000",
  ],
]);
