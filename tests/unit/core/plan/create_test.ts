import { assert, assertEquals } from "@std/assert";

import { planCreate } from "../../../../core/plan/create.ts";
import type { CreateInputs } from "../../../../core/plan/inputs.ts";
import { explain } from "../../../../core/program/explain.ts";
import { type Changes, map, namespaces } from "../spec/config.ts";
import { assertGolden, planDifference, planText } from "./golden.ts";
import { createInputs, FACTS, FILTER } from "./inputs.ts";

Deno.test("planCreate() plans the default config", () => {
  assertGolden("default", planText(planCreate(createInputs())));
});

/** Configs by name, what they change, and what else is different. */
const CASES: readonly (readonly [name: string, changes: Changes, others?: Partial<CreateInputs>])[] = [
  ["no_terminal", { "process.terminal": false }],
  ["terminal_size", { "process.consoleSize": { height: 24, width: 80 } }],
  ["user", { "process.user": { uid: 1000, gid: 1000, umask: 0o27, additionalGids: [4, 27] } }],
  ["home", { "process.env": ["HOME=/home/me", "PATH=/bin", "PATH=/usr/bin"] }],
  ["command_by_path", { "process.args": ["/bin/busybox", "true"], "process.cwd": "/var/lib/app" }],
  ["new_privileges", { "process.noNewPrivileges": false, "process.oomScoreAdj": 100 }],
  ["ambient_capabilities", {
    "process.capabilities": {
      bounding: ["CAP_NET_RAW", "CAP_SYSLOG"],
      effective: ["CAP_NET_RAW"],
      permitted: ["CAP_NET_RAW", "CAP_SYSLOG"],
      inheritable: ["CAP_NET_RAW"],
      ambient: ["CAP_NET_RAW"],
    },
  }],
  ["scheduling", {
    "process.scheduler": { policy: "SCHED_FIFO", priority: 5, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
    "process.ioPriority": { class: "IOPRIO_CLASS_BE", priority: 3 },
    "linux.memoryPolicy": { mode: "MPOL_BIND", nodes: "0-1", flags: ["MPOL_F_STATIC_NODES"] },
    "linux.personality": { domain: "LINUX32" },
  }],
  ["rlimits", {
    "process.rlimits": [
      { type: "RLIMIT_CORE", soft: 0, hard: 0 },
      { type: "RLIMIT_MEMLOCK", soft: 65536, hard: "18446744073709551615" },
    ],
  }, { facts: { ...FACTS, nofile: { soft: 1024n, hard: 524288n } } }],
  ["names_and_sysctl", {
    hostname: "box",
    domainname: "example.org",
    "linux.sysctl": { "net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.1/forwarding": "1" },
  }],
  ["namespaces_by_path", {
    "linux.namespaces": ["user", "ipc", "uts", "network", "pid", "time", "mount", "cgroup"]
      .map((type) => ({ type, path: `/run/ns/${type}` })),
  }],
  ["namespaces_new", {
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "cgroup", "time"),
    "linux.timeOffsets": { monotonic: { secs: 86400, nanosecs: 5 }, boottime: { secs: -10 } },
  }],
  ["namespaces_none", { "linux.namespaces": [], "process.terminal": false }],
  ["pid_namespace_of_the_host", { "linux.namespaces": namespaces("mount", "ipc", "uts"), "process.terminal": false }],
  ["user_namespace", {
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "cgroup", "user"),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
  }],
  ["id_mapped_mounts", {
    "linux.namespaces": namespaces("pid", "mount", "user"),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
    mounts: [
      { destination: "/plain", source: "/srv", options: ["bind"] },
      { destination: "/mapped", source: "/srv", options: ["rbind", "ridmap"] },
      { destination: "/other", source: "b", options: ["bind", "idmap=uids=0-1-2;gids=0-3-4"] },
    ],
  }, { idmaps: new Map([[1, 5], [2, 6]]), facts: { ...FACTS, sources: new Map([[0, "directory"], [2, "file"]]) } }],
  ["mounts", {
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/data", type: "bind", source: "/srv/data", options: ["rbind", "rro", "nosuid", "rslave"] },
      { destination: "/etc/hosts", source: "hosts", options: ["bind", "ro"] },
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["ro", "tmpcopyup", "size=1m"] },
      { destination: "/data", options: ["remount", "bind", "ro"] },
      { destination: "/lower", type: "overlay", source: "overlay", options: ["lowerdir=a:b"] },
      { destination: "/long", type: "overlay", source: "overlay", options: [`lowerdir=${"/layer:".repeat(40)}`] },
    ],
  }, { facts: { ...FACTS, sources: new Map([[1, "directory"], [2, "file"]]) } }],
  ["devices", {
    "linux.devices": [
      { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o660, uid: 1, gid: 2 },
      { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600 },
      { path: "/srv/pipe", type: "p" },
      { path: "/dev/nvme0n1", type: "b", major: 259, minor: 70000 },
    ],
  }],
  ["dev_of_the_host", { mounts: [{ destination: "/dev", source: "/dev", options: ["rbind"] }] }, {
    facts: { ...FACTS, sources: new Map([[0, "directory"]]) },
  }],
  ["no_masks", { "linux.maskedPaths": [], "linux.readonlyPaths": [], "root.readonly": false }],
  ["propagation", { "linux.rootfsPropagation": "shared" }, { rootfsParent: "/" }],
  ["unbindable", { "linux.rootfsPropagation": "unbindable" }],
  ["no_pivot", {}, { noPivot: true, facts: { ...FACTS, hostProcMounts: ["/proc", "/sys"] } }],
  ["no_new_keyring", {}, { noNewKeyring: true }],
  ["kept_descriptors", {}, { keepFds: 2, fifo: 5, socket: 6, extraEnv: ["LISTEN_FDS=2", "LISTEN_PID=1"] }],
  ["hooks", {
    hooks: {
      prestart: [{ path: "/bin/a" }],
      createContainer: [{ path: "/bin/b" }],
      poststop: [{ path: "/bin/c" }],
    },
  }],
  ["network_devices", { "linux.netDevices": { eth1: { name: "eth0" } } }],
  ["cgroup_v1", {}, {
    cgroup: { v1: ["/sys/fs/cgroup/memory/box", "/sys/fs/cgroup/systemd/box"], v2: undefined },
    facts: {
      ...FACTS,
      cgroups: {
        version: 1,
        mounts: [
          { name: "memory", data: "memory", directory: "/sys/fs/cgroup/memory/box", links: [] },
          {
            name: "cpu,cpuacct",
            data: "cpu,cpuacct",
            directory: "/sys/fs/cgroup/cpu,cpuacct/box",
            links: ["cpu", "cpuacct"],
          },
          { name: "systemd", data: "name=systemd", directory: "/sys/fs/cgroup/systemd/box", links: [] },
        ],
      },
    },
  }],
  ["systemd", {}, { cgroup: { v1: [], v2: undefined, asking: "init" } }],
  ["systemd_of_a_user", {
    "linux.namespaces": namespaces("pid", "mount", "user"),
    "linux.uidMappings": [map(0, 1000, 1)],
    "linux.gidMappings": [map(0, 1000, 1)],
  }, { cgroup: { v1: [], v2: undefined, asking: "parent" } }],
  ["cgroup_v1_without_namespace", { "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount") }, {
    cgroup: { v1: ["/sys/fs/cgroup/memory/box"], v2: undefined },
    facts: {
      ...FACTS,
      cgroups: {
        version: 1,
        mounts: [{ name: "memory", data: "memory", directory: "/sys/fs/cgroup/memory/box", links: [] }],
      },
    },
  }],
  ["seccomp", {}, { seccomp: FILTER }],
  ["seccomp_new_privileges", { "process.noNewPrivileges": false }, { seccomp: FILTER }],
  ["seccomp_notify", {}, { seccomp: { ...FILTER, notifies: true } }],
  ["seccomp_notify_rootless", { "process.noNewPrivileges": false }, {
    seccomp: { ...FILTER, notifies: true },
    facts: { ...FACTS, euid: 1000, egid: 1000 },
  }],
  ["labels_of_the_process", {
    "process.apparmorProfile": "profile",
    "process.selinuxLabel": "system_u:system_r:container_t:s0:c1,c2",
  }],
  ["labels", { "linux.mountLabel": "system_u:object_r:container_file_t:s0" }],
];

for (const [name, changes, others] of CASES) {
  Deno.test(`planCreate() plans ${name.replaceAll("_", " ")}`, () => {
    assertGolden(name, planDifference(changes, others));
  });
}

Deno.test("planCreate() plans the same for aarch64 but for its own numbers", () => {
  const steps = (arch: "x86_64" | "aarch64") =>
    explain(planCreate(createInputs({}, { facts: { ...FACTS, arch } })))
      .map((step) => ({ ...step, calls: step.calls.filter(({ call }) => call !== "munmap") }));
  assertEquals(steps("aarch64"), steps("x86_64"));
});

Deno.test("planCreate() gives each step words of its own and an object", () => {
  for (const [name, changes, others] of [["default", {}, {}] as const, ...CASES]) {
    for (const { step, calls } of explain(planCreate(createInputs(changes, others)))) {
      assert(/^[a-z]/.test(step) && !step.endsWith("."), `${name}: ${step}`);
      assert(step.includes(" "), `${name}: ${step} says not what it is done to`);
      assert(calls.length > 0, `${name}: ${step} does nothing`);
    }
  }
});
