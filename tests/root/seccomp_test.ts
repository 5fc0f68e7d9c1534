/** seccomp: what profiles do to the programs of a container, and that they do nothing to init. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { libseccompVersion } from "../../ffi/libseccomp.ts";
import { type Changes, exists, processStatus, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";
import { type Probe, probe } from "./support/probe.ts";

/** 128 + SIGSYS */
const BAD_SYSTEM_CALL = 159;
const missing = libseccompVersion() === undefined && "it needs the package libseccomp2";

function seccompTest(name: string, run: () => Promise<void>): void {
  rootTest(name, run, missing);
}

/** A profile that says this of some calls, and otherwise allows. */
function denying(names: readonly string[], action: string, more: Record<string, unknown> = {}): Changes {
  const syscalls = [{ names, action, ...more }];
  return { "linux.seccomp": { defaultAction: "SCMP_ACT_ALLOW", syscalls } };
}

/** A profile that allows these calls, and otherwise denies. */
function allowing(names: readonly string[], more: Record<string, unknown> = {}): Changes {
  const syscalls = [{ names, action: "SCMP_ACT_ALLOW" }];
  return { "linux.seccomp": { defaultAction: "SCMP_ACT_ERRNO", syscalls, ...more } };
}

/** What becomes of system calls under a profile. */
async function probed(box: Sandbox, calls: readonly Probe[], changes: Changes): Promise<string[]> {
  const { code, stdout, stderr } = await box.run({ "process.args": [probe(box, calls)], ...changes });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout.trim().split("\n");
}

const MKDIR = ["mkdir", "mkdirat"] as const;
const BOTH = [true, false] as const;

for (const noNewPrivileges of BOTH) {
  const nnp: Changes = { "process.noNewPrivileges": noNewPrivileges };
  const where = noNewPrivileges ? "with no_new_privs" : "without no_new_privs";

  seccompTest(`run() gives the error of the profile ${where}`, async () => {
    await using box = sandbox();
    const mkdir = { ...nnp, "process.args": ["mkdir", "/dev/shm/x"] };
    const said = async (more: Record<string, unknown>) =>
      (await box.run({ ...mkdir, ...denying(MKDIR, "SCMP_ACT_ERRNO", more) })).stderr;
    assertStringIncludes(await said({}), "Operation not permitted");
    assertStringIncludes(await said({ errnoRet: 100 }), "Network is down");
  });

  for (const action of ["KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP"]) {
    seccompTest(`run() ends the program by SIGSYS on ${action} ${where}`, async () => {
      await using box = sandbox();
      const changes = { ...nnp, ...denying(MKDIR, `SCMP_ACT_${action}`), "process.args": ["mkdir", "/dev/shm/x"] };
      assertEquals((await box.run(changes)).code, BAD_SYSTEM_CALL);
    });
  }

  seccompTest(`run() lets LOG pass, and TRACE fail where nobody traces ${where}`, async () => {
    await using box = sandbox();
    const args = { ...nnp, "process.args": ["mkdir", "/dev/shm/x"] };
    assertEquals((await box.run({ ...args, ...denying(MKDIR, "SCMP_ACT_LOG") })).code, 0);
    const { stderr } = await box.run({ ...args, ...denying(MKDIR, "SCMP_ACT_TRACE") });
    assertMatch(stderr, /Function not impl/);
  });

  seccompTest(`run() and exec() filter, once ${where}`, async () => {
    await using box = sandbox();
    const status = "grep -E '^(Seccomp|Seccomp_filters|NoNewPrivs|CapEff):' /proc/self/status | tr -d '\\t'";
    const expected = [
      `CapEff:0000000020000420`,
      `NoNewPrivs:${noNewPrivileges ? 1 : 0}`,
      "Seccomp:2",
      "Seccomp_filters:1",
    ];
    const profile = { ...nnp, ...denying(["swapon"], "SCMP_ACT_ERRNO") };
    assertEquals((await box.shell(status, profile)).trim().split("\n").sort(), expected);
    await box.sleeping(profile);
    const executed = await box.ok("exec", box.id, "sh", "-c", status);
    assertEquals(executed.trim().split("\n").sort(), expected);
  });

  seccompTest(`exec() gives the error of the profile ${where}`, async () => {
    await using box = sandbox();
    await box.sleeping({ ...nnp, ...denying(MKDIR, "SCMP_ACT_ERRNO", { errnoRet: 100 }) });
    const { code, stderr } = await box.runo(["exec", box.id, "mkdir", "/dev/shm/x"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Network is down");
  });
}

seccompTest("run() needs nothing but execve of the profile", async () => {
  await using box = sandbox();
  const calls: readonly Probe[] = [["umask", 0], ["openat2", -100, "/", 0, 0], ["prctl", 4, 0, 0, 0, 0]];
  assertEquals(
    await probed(box, calls, allowing(["execve", "write", "exit_group", "openat2", "faccessat2"])),
    ["EPERM", "EINVAL", "EPERM"],
  );
});

seccompTest("run() without no_new_privs needs no modern calls of the profile", async () => {
  await using box = sandbox();
  const modern = ["close_range", "fsopen", "fsconfig", "fspick", "openat2", "open_tree", "move_mount", "mount_setattr"];
  const changes = denying([...modern, "faccessat2", "clone3"], "SCMP_ACT_ERRNO", { errnoRet: 38 });
  succeeded(await box.run({ "process.noNewPrivileges": false, ...changes }));
});

seccompTest("run() with a user of its own drops what it needed to load the filter", async () => {
  await using box = sandbox();
  const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
  const changes: Changes = {
    "process.noNewPrivileges": false,
    "process.user": { uid: 1000, gid: 1000 },
    "process.capabilities": none,
    ...denying(["swapon"], "SCMP_ACT_ERRNO"),
  };
  const caps = await box.shell("grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | tr -d '\\t'", changes);
  assertEquals(caps.trim().split("\n").map((line) => line.slice(3)), [
    ...["Inh", "Prm", "Eff", "Amb"].map((set) => `${set}:0000000000000000`),
  ]);
  const pid = await box.create({ ...changes, "process.args": ["true"] });
  assertEquals(["CapPrm", "CapEff"].map((set) => processStatus(pid, set)), ["0000000000000000", "0000000000000000"]);
});

seccompTest("start() runs startContainer hooks with the filter applied", async () => {
  await using box = sandbox();
  const line = await box.refused({
    ...denying(MKDIR, "SCMP_ACT_KILL"),
    "process.rlimits": [{ type: "RLIMIT_CORE", soft: 0, hard: 0 }],
    "hooks.startContainer": [{ path: "/bin/mkdir", args: ["mkdir", "/dev/shm/x"] }],
  });
  assertMatch(line, /error running startContainer hook #0: signal: bad system call/);
});

seccompTest("run() answers ENOSYS to calls that are newer than the profile", async () => {
  await using box = sandbox();
  const calls: readonly Probe[] = [
    ["pidfd_getfd", -1, 0, 0],
    ["faccessat2", -100, "/", 0, 0],
    ["mount_setattr", -1, "", 0, 0, 0],
  ];
  const known = ["execve", "write", "exit_group", "pidfd_getfd"];
  assertEquals(await probed(box, calls, allowing(known)), ["EBADF", "ENOSYS", "ENOSYS"]);
  assertEquals(await probed(box, calls, allowing([...known, "process_madvise"])), ["EBADF", "EPERM", "ENOSYS"]);
  assertEquals(
    await probed(box, calls, allowing(known, { defaultAction: "SCMP_ACT_LOG" })),
    ["EBADF", "ok", "EINVAL"],
  );
});

seccompTest("run() gives defaultErrnoRet to all other calls", async () => {
  await using box = sandbox();
  const calls: readonly Probe[] = [["umask", 0], ["pidfd_getfd", -1, 0, 0]];
  const known = ["execve", "write", "exit_group", "pidfd_getfd"];
  assertEquals(await probed(box, calls, allowing(known, { defaultErrnoRet: 100 })), ["ENETDOWN", "EBADF"]);
});

seccompTest("run() compares arguments", async () => {
  await using box = sandbox();
  const args = [{ index: 0, value: 8, op: "SCMP_CMP_EQ" }];
  const masked = [{ index: 0, value: 0xf0, valueTwo: 0x10, op: "SCMP_CMP_MASKED_EQ" }];
  const changes = {
    "linux.seccomp": {
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [
        { names: ["execve", "write", "exit_group"], action: "SCMP_ACT_ALLOW" },
        { names: ["personality"], action: "SCMP_ACT_ALLOW", args },
        { names: ["umask"], action: "SCMP_ACT_ALLOW", args: masked },
      ],
    },
  };
  const calls: readonly Probe[] = [["personality", 8], ["personality", 0xffffffff], ["umask", 0x11], ["umask", 0x21]];
  assertEquals(await probed(box, calls, changes), ["ok", "EPERM", "ok", "EPERM"]);
});

/** A program that makes a system call of i386 by `int 0x80` and exits with its error. */
function i386Mkdir(box: Sandbox): string {
  const assembly = `.globl _start
_start: mov $39, %eax
lea path(%rip), %rbx
mov $0x1ff, %ecx
int $0x80
neg %eax
mov %eax, %edi
mov $231, %eax
syscall
path: .asciz "/dev/shm/x"
`;
  Deno.writeTextFileSync(`${box.dir}/i386.s`, assembly);
  for (const [tool, ...args] of [["as", "i386.s", "-o", "i386.o"], ["ld", "-Ttext=0x10000", "i386.o", "-o", "i386"]]) {
    const { success, stderr } = new Deno.Command(tool!, { args, cwd: box.dir }).outputSync();
    assert(success, new TextDecoder().decode(stderr));
  }
  Deno.copyFileSync(`${box.dir}/i386`, `${box.rootfs}/i386`);
  return "/i386";
}

const noI386 = Deno.build.arch !== "x86_64"
  ? "it is about i386 on x86_64"
  : !exists("/usr/bin/ld") && "it needs the package binutils";

rootTest("run() filters each architecture by its own numbers, and kills on those not named", async () => {
  await using box = sandbox();
  const program = { "process.args": [i386Mkdir(box)] };
  const profile = (...architectures: string[]) => ({
    "linux.seccomp": {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures,
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 99 }],
    },
  });
  assertEquals((await box.run({ ...program, ...profile("SCMP_ARCH_X86_64") })).code, BAD_SYSTEM_CALL);
  assertEquals((await box.run({ ...program, ...profile("SCMP_ARCH_X86_64", "SCMP_ARCH_X86") })).code, 99);
  assertEquals((await box.run({ ...program, ...profile("SCMP_ARCH_X86") })).code, 99);
}, missing || noI386);

seccompTest("run() takes every flag that features names", async () => {
  await using box = sandbox();
  const { linux } = JSON.parse(await box.ok("features"));
  const numbers: Readonly<Record<string, number>> = {
    SECCOMP_FILTER_FLAG_TSYNC: 0,
    SECCOMP_FILTER_FLAG_LOG: 2,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0,
  };
  const flagged = async (flags?: readonly string[]) => {
    const syscalls = [{ names: MKDIR, action: "SCMP_ACT_ERRNO" }];
    box.configure({
      "process.args": ["mkdir", "/dev/shm/x"],
      "linux.seccomp": { defaultAction: "SCMP_ACT_ALLOW", syscalls, ...flags === undefined ? {} : { flags } },
    });
    const { stderr } = await box.runo(["--debug", "run", "--bundle", box.bundle, box.id]);
    assertStringIncludes(stderr, "Operation not permitted");
    return Number(/"seccomp filter flags: (\d+)"/.exec(stderr)?.[1]);
  };
  assertEquals([await flagged(), await flagged([])], [4, 0]);
  for (const flag of linux.seccomp.supportedFlags) assertEquals(await flagged([flag]), numbers[flag], flag);
  assertEquals(await flagged(linux.seccomp.supportedFlags), 6);
});

seccompTest("run() passes over unknown calls and redundant rules", async () => {
  await using box = sandbox();
  succeeded(
    await box.run({
      "linux.seccomp": {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [
          { names: ["no_such_call", "read"], action: "SCMP_ACT_ALLOW" },
          { names: ["no_such_call"], action: "SCMP_ACT_ERRNO" },
        ],
      },
    }),
  );
});

seccompTest("create() names what is wrong with a profile, and leaves nothing", async () => {
  await using box = sandbox();
  const refused = async (seccomp: Record<string, unknown>) =>
    await box.refused({ "linux.seccomp": { defaultAction: "SCMP_ACT_ERRNO", ...seccomp } });
  assertStringIncludes(await refused({ architectures: ["SCMP_ARCH_S390X"] }), 'architecture "SCMP_ARCH_S390X"');
  assertStringIncludes(await refused({ architectures: ["SCMP_ARCH_Z80"] }), "is not a valid arch for seccomp");
  assertStringIncludes(await refused({ flags: ["SECCOMP_FILTER_FLAG_NONE"] }), "is not a valid flag for seccomp");
  assertStringIncludes(await refused({ defaultAction: "SCMP_ACT_NOTIFY" }), "cannot be used as default action");
  assertEquals(box.leftovers(), []);
});

seccompTest("exec() into a created container is filtered, too, and leaves it created", async () => {
  await using box = sandbox();
  await box.create({ "process.args": ["true"], ...denying(MKDIR, "SCMP_ACT_ERRNO", { errnoRet: 100 }) });
  assertStringIncludes((await box.runo(["exec", box.id, "mkdir", "/dev/shm/x"])).stderr, "Network is down");
  assertEquals(await box.status(), "created");
});
