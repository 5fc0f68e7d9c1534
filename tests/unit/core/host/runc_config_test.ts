// The expected values are what runc 1.1.5 wrote into state.json for the same config.json.
import { assertEquals } from "@std/assert";
import { runcConfig, type RuncConfigOptions } from "../../../../core/host/runc_config.ts";
import { parseExact } from "../../../../core/host/runc_json.ts";
import { recordedSeccomp, type RuncSeccomp } from "../../../../core/host/runc_seccomp.ts";
import type { IntelRdt, Mount, Seccomp, Spec } from "../../../../core/spec/types.ts";

const OPTIONS: RuncConfigOptions = {
  id: "c1",
  bundle: "/b",
  rootfs: "/b/rootfs",
  cgroupManager: "cgroupfs",
  rootlessEuid: false,
  rootlessCgroups: false,
  noPivot: false,
  noNewKeyring: false,
};

function config(spec: Partial<Spec>, options: Partial<RuncConfigOptions> = {}) {
  return runcConfig({ ociVersion: "1.0.2", ...spec }, { ...OPTIONS, ...options });
}

function node(path: string, major: number, minor: number, owner = { uid: 0, gid: 0 }) {
  return { type: 99, major, minor, permissions: "rwm", allow: true, path, file_mode: 438, ...owner };
}

function rule(type: number, major: number, minor: number, permissions = "rwm", allow = true) {
  return { type, major, minor, permissions, allow };
}

const DEFAULT_RULES = [
  rule(99, -1, -1, "m"),
  rule(98, -1, -1, "m"),
  rule(99, 1, 3),
  rule(99, 1, 8),
  rule(99, 1, 7),
  rule(99, 5, 0),
  rule(99, 1, 5),
  rule(99, 1, 9),
  rule(99, 136, -1),
  rule(99, 5, 2),
  rule(99, 10, 200),
];

Deno.test("runcConfig() writes all keys that runc writes", () => {
  const caps = ["CAP_KILL"];
  const actual = config({
    process: { cwd: "/", noNewPrivileges: true, capabilities: { bounding: caps, effective: caps } },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: [{ destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755"] }],
    linux: {
      namespaces: [{ type: "pid" }, { type: "network" }, { type: "mount" }],
      maskedPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/bus"],
    },
  });
  assertEquals({ ...actual, version: "", cgroups: null }, {
    no_pivot_root: false,
    parent_death_signal: 0,
    rootfs: "/b/rootfs",
    umask: null,
    readonlyfs: true,
    rootPropagation: 0,
    mounts: [{
      source: "tmpfs",
      destination: "/dev",
      device: "tmpfs",
      flags: 16777218,
      propagation_flags: null,
      data: "mode=755",
      relabel: "",
      rec_attr: null,
      extensions: 0,
      premount_cmds: null,
      postmount_cmds: null,
    }],
    devices: [
      node("/dev/null", 1, 3),
      node("/dev/random", 1, 8),
      node("/dev/full", 1, 7),
      node("/dev/tty", 5, 0),
      node("/dev/zero", 1, 5),
      node("/dev/urandom", 1, 9),
    ],
    mount_label: "",
    hostname: "runc",
    namespaces: [{ type: "NEWPID", path: "" }, { type: "NEWNET", path: "" }, { type: "NEWNS", path: "" }],
    capabilities: { Bounding: caps, Effective: caps, Inheritable: null, Permitted: null, Ambient: null },
    networks: [{
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
    }],
    routes: null,
    cgroups: null,
    uid_mappings: null,
    gid_mappings: null,
    mask_paths: ["/proc/kcore"],
    readonly_paths: ["/proc/bus"],
    sysctl: null,
    seccomp: null,
    no_new_privileges: true,
    Hooks: {
      createContainer: null,
      createRuntime: null,
      poststart: null,
      poststop: null,
      prestart: null,
      startContainer: null,
    },
    version: "",
    labels: ["bundle=/b"],
    no_new_keyring: false,
  });
});

Deno.test("runcConfig() keeps annotations as labels, the bundle being the last", () => {
  assertEquals(config({ annotations: { bundle: "/nope", "a.b": "c=d" } }).labels, [
    "bundle=/nope",
    "a.b=c=d",
    "bundle=/b",
  ]);
});

Deno.test("runcConfig() passes on the options of create and what process says", () => {
  const { no_pivot_root, no_new_keyring, rootless_euid, rootless_cgroups, cgroups, oom_score_adj, umask } = config(
    { process: { cwd: "/", oomScoreAdj: 0, user: { uid: 1, gid: 2, umask: 63 } } },
    { noPivot: true, noNewKeyring: true, rootlessEuid: true, rootlessCgroups: true },
  );
  assertEquals(
    { no_pivot_root, no_new_keyring, rootless_euid, rootless_cgroups, Rootless: cgroups?.Rootless },
    { no_pivot_root: true, no_new_keyring: true, rootless_euid: true, rootless_cgroups: true, Rootless: true },
  );
  assertEquals({ oom_score_adj, umask }, { oom_score_adj: 0, umask: 63 });
});

Deno.test("runcConfig() maps devices to the host ids of root in a user namespace", () => {
  const { devices, cgroups, uid_mappings, gid_mappings } = config({
    linux: {
      namespaces: [{ type: "user" }],
      uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
      devices: [{ path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 0o660, uid: 1, gid: 2 }],
    },
  });
  const owner = { uid: 100000, gid: 200000 };
  assertEquals(devices, [
    node("/dev/null", 1, 3, owner),
    node("/dev/full", 1, 7, owner),
    node("/dev/tty", 5, 0, owner),
    node("/dev/zero", 1, 5, owner),
    node("/dev/urandom", 1, 9, owner),
    { ...node("/dev/random", 1, 8, owner), permissions: "", allow: false, file_mode: 432 },
  ]);
  assertEquals(cgroups?.devices, DEFAULT_RULES.filter(({ major, minor }) => major !== 1 || minor !== 8));
  assertEquals(uid_mappings, [{ container_id: 0, host_id: 100000, size: 65536 }]);
  assertEquals(gid_mappings, [{ container_id: 0, host_id: 200000, size: 65536 }]);
});

Deno.test("runcConfig() keeps device types and owners without a user namespace", () => {
  const { devices } = config({
    linux: {
      devices: [
        { path: "/dev/p", type: "p" },
        { path: "/dev/u", type: "u", major: 1, minor: 3, fileMode: 0o100666 },
        { path: "/dev/b", type: "b", major: 7, minor: 0, uid: 5, gid: 6 },
      ],
    },
  });
  const own = { permissions: "", allow: false };
  assertEquals(devices?.slice(6), [
    { ...node("/dev/p", 0, 0), ...own, type: 112 },
    { ...node("/dev/u", 1, 3), ...own },
    { ...node("/dev/b", 7, 0, { uid: 5, gid: 6 }), ...own, type: 98 },
  ]);
});

function flagsOf(options: readonly string[], mount: Partial<Mount> = {}) {
  const [written] = config({ mounts: [{ destination: "/m", type: "tmpfs", ...mount, options }] }).mounts ?? [];
  return {
    flags: written?.flags,
    spread: written?.propagation_flags,
    data: written?.data,
    set: written?.rec_attr?.Attr_set,
    clear: written?.rec_attr?.Attr_clr,
  };
}

Deno.test("runcConfig() turns mount options into flags", () => {
  const flags: Record<string, number> = {
    acl: 65536,
    atime: 0,
    dirsync: 128,
    iversion: 8388608,
    lazytime: 33554432,
    mand: 64,
    noatime: 1024,
    nodev: 4,
    nodiratime: 2048,
    noexec: 8,
    nosuid: 2,
    nosymfollow: 256,
    relatime: 2097152,
    remount: 32,
    ro: 1,
    rw: 0,
    silent: 32768,
    strictatime: 16777216,
    sync: 16,
  };
  for (const [option, value] of Object.entries(flags)) assertEquals(flagsOf([option]).flags, value, option);
  assertEquals(flagsOf(["noatime", "ro", "rw", "atime", "size=1k", "mode=755"]).flags, 0);
  assertEquals(flagsOf(["size=1k", "mode=755"]).data, "size=1k,mode=755");
});

Deno.test("runcConfig() keeps propagation in order", () => {
  assertEquals(flagsOf(["rshared", "slave", "rprivate", "runbindable"]).spread, [1064960, 524288, 278528, 147456]);
});

Deno.test("runcConfig() writes recursive options as mount attributes", () => {
  const pairs: Record<string, readonly [number | undefined, number | undefined]> = {
    rro: [1, 0],
    rrw: [0, 1],
    rnosuid: [2, 0],
    rdev: [0, 4],
    rnodiratime: [128, 0],
    rrelatime: [0, 112],
    rnorelatime: [undefined, undefined],
    rnoatime: [16, 112],
    rstrictatime: [32, 112],
    rnosymfollow: [2097152, 0],
  };
  for (const [option, [set, clear]] of Object.entries(pairs)) {
    const written = flagsOf(["bind", option]);
    assertEquals([written.flags, written.set, written.clear], [4096, set, clear], option);
  }
  const { set, clear } = flagsOf(["bind", "rro", "rrw", "rnoatime", "rnosuid", "rrelatime"]);
  assertEquals([set, clear], [19, 113]);
});

Deno.test("runcConfig() resolves the source of a bind mount below the bundle", () => {
  const mounts: Mount[] = [
    { destination: "/a", type: "none", source: "./rootfs/../rootfs/etc/", options: ["rbind"] },
    { destination: "/b", source: "/tmp", options: ["bind"] },
    { destination: "/c", type: "tmpfs", source: "rel", options: ["tmpcopyup"] },
  ];
  const written = config({ mounts }).mounts?.map(({ source, device, extensions }) => [source, device, extensions]);
  assertEquals(written, [["/b/rootfs/etc", "bind", 0], ["/tmp", "bind", 0], ["rel", "tmpfs", 1]]);
});

Deno.test("runcConfig() numbers seccomp actions and operators as libcontainer", () => {
  const arg = { index: 0, value: 3, valueTwo: 7 };
  const { seccomp } = config({
    linux: {
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"],
        syscalls: [
          { names: ["mq_open"], action: "SCMP_ACT_KILL_PROCESS" },
          {
            names: ["chmod", "fchmod"],
            action: "SCMP_ACT_ERRNO",
            errnoRet: 13,
            args: [{ ...arg, op: "SCMP_CMP_NE" }, { ...arg, op: "SCMP_CMP_MASKED_EQ" }],
          },
        ],
      },
    },
  });
  const args = [{ index: 0, value: 3, value_two: 7, op: 2 }, { index: 0, value: 3, value_two: 7, op: 7 }];
  assertEquals(seccomp, {
    default_action: 4,
    architectures: ["amd64", "x86", "arm64"],
    syscalls: [
      { name: "mq_open", action: 9, errnoRet: null, args: [] },
      { name: "chmod", action: 2, errnoRet: 13, args },
      { name: "fchmod", action: 2, errnoRet: 13, args },
    ],
    default_errno_ret: null,
  });
});

Deno.test("recordedSeccomp() reads back what runcConfig() writes, each rule with one name", () => {
  const profile: Seccomp = {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"],
    flags: ["SECCOMP_FILTER_FLAG_LOG"],
    listenerPath: "/run/agent",
    listenerMetadata: "words",
    syscalls: [
      { names: ["a", "b"], action: "SCMP_ACT_ALLOW" },
      {
        names: ["c"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 5,
        args: [{ index: 2, value: "18446744073709551615", valueTwo: 7, op: "SCMP_CMP_MASKED_EQ" }],
      },
    ],
  };
  const { seccomp } = config({ linux: { seccomp: profile } });
  const [, rule] = profile.syscalls!;
  assertEquals(recordedSeccomp(parseExact(JSON.stringify(seccomp)) as RuncSeccomp), {
    ...profile,
    syscalls: [
      { names: ["a"], action: "SCMP_ACT_ALLOW", args: [] },
      { names: ["b"], action: "SCMP_ACT_ALLOW", args: [] },
      rule!,
    ],
  });
});

Deno.test("runcConfig() writes a seccomp value of 64 bits as bare digits", () => {
  const value = "18446744073709551615";
  const syscalls = [
    { names: ["x"], action: "SCMP_ACT_LOG", args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] },
  ] as const;
  const { seccomp } = config({ linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls } } });
  assertEquals(
    JSON.stringify(seccomp?.syscalls),
    `[{"name":"x","action":6,"errnoRet":null,"args":[{"index":0,"value":${value},"value_two":0,"op":1}]}]`,
  );
});

Deno.test("runcConfig() writes hooks with nanoseconds", () => {
  const { Hooks } = config({
    hooks: { prestart: [{ path: "/p" }], createRuntime: [{ path: "/p", args: ["p", "x"], env: ["A=b"], timeout: 5 }] },
  });
  assertEquals(Hooks?.prestart, [{ path: "/p", args: null, env: null, dir: "", timeout: null }]);
  assertEquals(Hooks?.createRuntime, [
    { path: "/p", args: ["p", "x"], env: ["A=b"], dir: "", timeout: 5000000000 },
  ]);
});

Deno.test("runcConfig() writes Intel RDT without what is empty", () => {
  const of = (intelRdt: IntelRdt) => config({ linux: { intelRdt } }).intel_rdt;
  assertEquals(config({ linux: {} }).intel_rdt, undefined);
  assertEquals(of({ closID: "", schemata: [], l3CacheSchema: "", memBwSchema: "", enableMonitoring: false }), {});
  assertEquals(
    JSON.stringify(of({
      enableMonitoring: true,
      memBwSchema: "MB:0=20",
      l3CacheSchema: "L3:0=f",
      schemata: ["L2:0=f"],
      closID: "gold",
    })),
    '{"closID":"gold","schemata":["L2:0=f"],"l3_cache_schema":"L3:0=f","memBwSchema":"MB:0=20","enableMonitoring":true}',
  );
});
