/** Attacks by what a caller may let others choose: ids, paths, names and sizes in configs and on command lines. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exists, failed, map, namespaces, rootTest, sandbox } from "./harness.ts";
import { writeErrnoProbe } from "./support/probes.ts";
import { Victim } from "./support/victim.ts";

const LONG = 70_000;
const PROC = { destination: "/proc", type: "proc", source: "proc" };

// CVE-2021-43784: lengths of 16 bits wrapped around, and what followed was taken for something else
rootTest("strings beyond 64 KiB are exact or refused, and nothing else changes with them", async () => {
  await using box = sandbox();
  const long = "x".repeat(LONG);
  assertEquals(await box.shell("echo ${#LONG}", { "process.env": ["PATH=/bin", `LONG=${long}`] }), `${LONG}\n`);
  assertEquals(await box.shell(`echo ${long} | wc -c`), `${LONG + 1}\n`);
  const annotations = { long, "also.long": "y".repeat(LONG) };
  await box.create({ annotations, "process.args": ["true"] });
  assertEquals((await box.state()).annotations, annotations);
  await box.ok("delete", "--force", box.id);

  const refused: Record<string, unknown>[] = [
    {
      "linux.namespaces": [{ type: "mount" }, { type: "network", path: `/proc/self/ns/net/${long}` }],
      hostname: undefined,
    },
    { "linux.namespaces": [{ type: "mount" }, { type: "user", path: `/${long}` }], hostname: undefined },
    { mounts: [{ destination: `/${long}`, type: "tmpfs", source: "tmpfs" }] },
    { mounts: [{ destination: "/m", type: "bind", source: `/${long}`, options: ["bind"] }] },
    { mounts: [{ destination: "/m", type: "tmpfs", source: "tmpfs", options: [`size=${long}`] }] },
    { mounts: [{ destination: "/m", type: long, source: "x" }] },
    { "process.cwd": `/${long}` },
    { "process.args": [`/${long}`] },
    { hostname: long },
    { "root.path": long },
    { "linux.cgroupsPath": `/runo-test/${long}` },
    { "linux.maskedPaths": [`/${long}`] },
    { "linux.devices": [{ path: `/dev/${long}`, type: "c", major: 1, minor: 3 }] },
    { "linux.sysctl": { [`net.${long}`]: "1" } },
    {
      "linux.uidMappings": Array.from({ length: 5000 }, (_, i) => map(i, i, 1)),
      "linux.gidMappings": [map(0, 0, 1)],
      "linux.namespaces": namespaces("mount", "user"),
      hostname: undefined,
    },
  ];
  for (const changes of refused) {
    const { code, stdout, stderr } = await box.run(changes);
    assert(code !== 0 && stdout === "", Object.keys(changes).join());
    assertEquals(stderr.trim().split("\n").length, 1, Object.keys(changes).join());
    assertEquals(box.leftovers(), []);
  }
});

rootTest("an id is a plain name", async () => {
  await using box = sandbox();
  const outside = `${box.dir}/outside`;
  Deno.mkdirSync(outside);
  for (
    const id of ["..", ".", "", "../outside", "a/b", "/etc", "a\0b", "a b", "ä", `../${box.root.slice(1)}`, "*", "a\n"]
  ) {
    for (
      const command of [
        ["create", "--bundle", box.bundle],
        ["run", "--bundle", box.bundle],
        ["delete", "--force"],
        ["start"],
        ["kill"],
        ["state"],
        ["exec"],
      ]
    ) {
      if (id.includes("\0")) continue;
      const rest = command[0] === "exec" ? [id, "true"] : [id];
      const { code } = await box.runo([...command, ...rest]);
      assert(code !== 0, `${command[0]} ${JSON.stringify(id)}`);
    }
  }
  assert(exists(outside) && exists(box.bundle));
  assertEquals(box.leftovers(), []);
});

rootTest("a cgroup path stays in the hierarchy", async () => {
  await using box = sandbox();
  const victim = new Victim(`${box.dir}/victim`);
  for (const path of ["../../../../escape", "/../../../../escape", "a/../../../../escape"]) {
    await box.run({ "linux.cgroupsPath": `${path}-${box.id}`, "process.args": ["true"] });
    assert(
      !exists(`/escape-${box.id}`) && !exists(`/sys/escape-${box.id}`) && !exists(`/sys/fs/escape-${box.id}`),
      path,
    );
  }
  victim.assertUntouched();
});

rootTest("exec --cgroup stays below the container's cgroup", async () => {
  await using box = sandbox();
  await box.sleeping();
  for (const path of ["..", "../..", "a/../../..", "/../x"]) {
    for (const value of [path, `memory:${path}`]) {
      const line = failed(await box.runo(["exec", "--cgroup", value, box.id, "true"]), 255);
      assertStringIncludes(line, "bad sub cgroup path", value);
    }
  }
  failed(await box.runo(["exec", "--cgroup", "missing", box.id, "true"]), 255);
  failed(await box.runo(["exec", "--cgroup", "nonsense:x", box.id, "true"]), 255);
});

rootTest("names of limits are no paths", async () => {
  await using box = sandbox();
  const limits: Record<string, unknown>[] = [
    { hugepageLimits: [{ pageSize: "../../x", limit: 1 }] },
    { hugepageLimits: [{ pageSize: "2MB/../../../x", limit: 1 }] },
    { unified: { "../memory.max": "1" } },
    { unified: { "a/b": "1" } },
    { rdma: { "../x": { hcaHandles: 1 } } },
  ];
  for (const resources of limits) {
    const { code, stdout } = await box.run({ "linux.resources": resources, "process.args": ["echo", "started"] });
    assert(code !== 0 && stdout === "", JSON.stringify(resources));
    assertEquals(box.leftovers(), []);
  }
});

rootTest("annotations of others move nothing", async () => {
  await using box = sandbox();
  const pid = await box.sleeping({
    annotations: { "run.oci.delegate-cgroup": "../../../x", "run.oci.systemd.subgroup": "../x", bundle: "/etc" },
    "linux.namespaces": namespaces("pid", "mount", "ipc", "uts"),
  });
  for (const line of Deno.readTextFileSync(`/proc/${pid}/cgroup`).trim().split("\n")) {
    const path = line.split(":").slice(2).join(":");
    assert(path === "/" || path.endsWith(box.cgroup), line);
  }
  assertEquals((await box.state()).bundle, box.bundle);
});

rootTest("a cgroup with processes, or a frozen one, is nobody else's", async () => {
  await using box = sandbox();
  await box.sleeping();
  await using other = sandbox();
  assertStringIncludes(await other.refused({ "linux.cgroupsPath": box.cgroup }), "container's cgroup is not empty");
  assertEquals(await box.status(), "running");
});

rootTest("sysctls of the host are refused, with and without a user namespace", async () => {
  await using box = sandbox();
  const names = [
    "kernel.core_pattern",
    "kernel.sysrq",
    "vm.overcommit_memory",
    "fs.file-max",
    "kernel.hostname",
    "net/../kernel/core_pattern",
    "kernel.shm_rmid_forced/../core_pattern",
    "../../etc/passwd",
    "user.max_user_namespaces",
  ];
  const pattern = Deno.readTextFileSync("/proc/sys/kernel/core_pattern");
  const userns = {
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "user"),
    "linux.uidMappings": [map(0, 100000, 10)],
    "linux.gidMappings": [map(0, 100000, 10)],
  };
  for (const name of names) {
    assert((await box.run({ "linux.sysctl": { [name]: "1" } })).code !== 0, name);
    if (name.startsWith("user.")) continue;
    assert((await box.run({ ...userns, "linux.sysctl": { [name]: "1" } })).code !== 0, `${name} in a user namespace`);
  }
  const max = Deno.readTextFileSync("/proc/sys/user/max_user_namespaces");
  await box.run({ ...userns, "linux.sysctl": { "user.max_user_namespaces": "3" } });
  assertEquals(Deno.readTextFileSync("/proc/sys/user/max_user_namespaces"), max);
  assertEquals(Deno.readTextFileSync("/proc/sys/kernel/core_pattern"), pattern);
});

// a profile older than the C library: calls it does not know must look as if the kernel did not know them either
rootTest("system calls that are newer than the profile do not exist", async () => {
  await using box = sandbox();
  const syscalls = [{
    names: [
      "read",
      "write",
      "close",
      "execve",
      "exit",
      "exit_group",
      "brk",
      "mmap",
      "munmap",
      "mprotect",
      "open",
      "openat",
      "fstat",
      "newfstatat",
      "stat",
      "lstat",
      "arch_prctl",
      "set_tid_address",
      "rt_sigaction",
      "rt_sigprocmask",
      "rt_sigreturn",
      "getuid",
      "getpid",
      "getppid",
      "geteuid",
      "getgid",
      "getegid",
      "ioctl",
      "fcntl",
      "dup2",
      "wait4",
      "vfork",
      "fork",
      "clone",
      "uname",
      "prlimit64",
      "readlink",
      "getcwd",
      "getrandom",
      "set_robust_list",
      "rseq",
      "futex",
      "poll",
      "pipe",
      "prctl",
      "access",
      "lseek",
      "capset",
      "setgroups",
      "setuid",
      "setgid",
      "chdir",
      "umask",
    ],
    action: "SCMP_ACT_ALLOW",
  }];
  // one from before the newest of the list, one from after
  writeErrnoProbe(`${box.rootfs}/bin/old`, "mkdirat", ["ENOSYS", "EPERM"]);
  writeErrnoProbe(`${box.rootfs}/bin/new`, "faccessat2", ["EPERM", "ENOSYS"]);
  const out = await box.shell("old; echo; new; echo", {
    mounts: [PROC],
    "linux.seccomp": { defaultAction: "SCMP_ACT_ERRNO", syscalls },
  });
  assertEquals(out, "EPERM\nENOSYS\n");
});
