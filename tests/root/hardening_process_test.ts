/** Attacks by the container's program and its files on the processes of the runtime that come near it. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { KEYCTL_JOIN_SESSION_KEYRING } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import { failed, namespaces, rootTest, RUNO, sandbox, succeeded } from "./harness.ts";
import { writeKeyringProbe } from "./support/probes.ts";

const PTRACE = ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_KILL"];
const powerful = { bounding: PTRACE, effective: PTRACE, permitted: PTRACE };

async function checksum(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

// CVE-2016-3697
rootTest("a user whose number is a name in passwd is the number", async () => {
  await using box = sandbox({ "process.user": { uid: 1000, gid: 1000 } });
  box.file("etc/passwd", "1000:x:0:0:root:/root:/bin/sh\nroot:x:0:0::/root:/bin/sh\n");
  box.file("etc/group", "1000:x:0:\n");
  assertEquals(await box.shell("id -u; id -g", { "process.user": { uid: 1000, gid: 1000 } }), "1000\n1000\n");
  await box.sleeping();
  assertEquals(await box.ok("exec", "--user", "1000:1000", box.id, "sh", "-c", "id -u; id -g"), "1000\n1000\n");
  assertEquals(await box.ok("exec", "--user", "1000", box.id, "id", "-u"), "1000\n");
});

// CVE-2026-30892
rootTest("exec takes no id that is not a whole decimal number in range", async () => {
  await using box = sandbox();
  await box.sleeping({ "process.user": { uid: 1000, gid: 1000 } });
  const bad = [
    "1abc",
    "",
    ":5",
    "4294967296",
    "4294967295",
    "-1",
    "+1",
    "0x1",
    "1.0",
    "1e3",
    " 1",
    "1:",
    "1:x",
    "1:-1",
    "1:4294967296",
    "1:2:3",
    "root",
    "99999999999999999999",
  ];
  for (const user of bad) {
    const { code, stdout } = await box.runo(["exec", "--user", user, box.id, "id", "-u"]);
    assertEquals([code !== 0, stdout], [true, ""], `--user "${user}"`);
  }
  for (const gid of ["-1", "x", "4294967296"]) {
    const { code } = await box.runo(["exec", "--additional-gids", gid, box.id, "true"]);
    assert(code !== 0, gid);
  }
});

// CVE-2016-9962, CVE-2024-21626
rootTest("root of a container with CAP_SYS_PTRACE finds nothing of the host in processes that join", async () => {
  await using box = sandbox();
  // looks at the descriptors of whoever comes, and at where they are
  const spy = `while true; do
    for p in /proc/[0-9]*; do
      case $p in /proc/1|/proc/$$) continue;; esac
      for f in $p/fd/* $p/cwd $p/root $p/exe; do l=$(readlink $f 2>/dev/null) && echo "\${f##*/} $l"; done
    done
  done >/log`;
  await box.sleeping({ "process.args": ["sh", "-c", spy], "process.capabilities": powerful });
  const log = () => new Set(Deno.readTextFileSync(`${box.rootfs}/log`).split("\n"));
  // on a busy machine it is long in coming
  for (let i = 0; i < 25 || (log().size <= 3 && i < 1000); i++) await box.ok("exec", box.id, "true");
  await box.ok("delete", "--force", box.id);
  const seen = log();
  assert(seen.size > 3, "it has seen something");
  const own =
    /^$|^cwd \/|^root \/$|^exe (\/bin\/busybox|\/memfd:runo-\w+ \(deleted\))|^\d+ (pipe:|socket:|anon_inode:|\/dev\/null|\/proc\/|\/log|\/etc\/passwd|\/$)/;
  // but for the caller's own stdio
  const foreign = [...seen].filter((line) => !own.test(line) && !/^\d+ .*\/runo-test-out-/.test(line));
  assertEquals(foreign, []);
});

// CVE-2019-5736
rootTest("the host's executable cannot be reached through /proc, and not be written to", async () => {
  const before = await checksum(RUNO);
  await using box = sandbox();
  box.file("entry", "#!/proc/self/exe\n");
  for (const args of [["/proc/self/exe"], ["/entry"], ["/proc/1/exe"]]) {
    const result = await box.run({ "process.args": args, "process.capabilities": powerful });
    assert(result.code !== 0, args.join());
    await box.runo(["delete", "--force", box.id]);
  }
  const write = `for i in $(seq 100); do for e in /proc/[0-9]*/exe; do
    case $(readlink $e) in */busybox) continue;; esac
    readlink $e; exec 9<$e 2>/dev/null && echo x 2>/dev/null >/proc/$$/fd/9 && echo WRITTEN; echo x 2>/dev/null >$e && echo WRITTEN
  done; done >/log; echo end >>/log; sleep 1000`;
  await box.sleeping({ "process.args": ["sh", "-c", write], "process.capabilities": powerful });
  for (let i = 0; i < 10; i++) await box.runo(["exec", box.id, i % 2 === 0 ? "/proc/self/exe" : "/entry"]);
  await box.ok("delete", "--force", box.id);
  const log = Deno.readTextFileSync(`${box.rootfs}/log`);
  assert(!log.includes("WRITTEN"), log);
  assert(log.split("\n").every((line) => /^$|^end$|^\/memfd:runo-\w+ \(deleted\)$/.test(line)), log);
  assertEquals(await checksum(RUNO), before);
});

// CVE-2024-21626
rootTest("a working directory that is a descriptor is refused, by run and exec", async () => {
  await using box = sandbox();
  Deno.symlinkSync("/proc/self/fd/7", `${box.rootfs}/home/link`);
  const words = "current working directory is outside of container mount namespace root";
  for (let fd = 3; fd <= 20; fd++) {
    for (const cwd of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../../..`]) {
      const { code, stdout, stderr } = await box.run({ "process.cwd": cwd, "process.args": ["cat", "etc/hostname"] });
      assert(code !== 0 && stdout === "", `${cwd}: ${stdout}`);
      assertMatch(stderr, new RegExp(`${words}|no such file or directory|not a directory`, "i"), cwd);
    }
  }
  assertStringIncludes(failed(await box.run({ "process.cwd": "/proc/self/cwd" })), words);
  assert((await box.run({ "process.cwd": "/home/link" })).code !== 0);
  await box.sleeping({});
  for (let fd = 3; fd <= 20; fd++) {
    const { code, stdout } = await box.runo(["exec", "--cwd", `/proc/self/fd/${fd}`, box.id, "ls"]);
    assert(code !== 0 && stdout === "", `${fd}: ${stdout}`);
  }
});

// CVE-2022-24769, CVE-2022-27650, CVE-2022-29162
rootTest("no capability is inheritable unless the config says so", async () => {
  await using box = sandbox();
  await box.sleeping();
  const inheritable = ["grep", "-E", "Cap(Inh|Amb)", "/proc/self/status"];
  const none = "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\n";
  assertEquals(await box.ok("exec", box.id, ...inheritable), none);
  assertEquals(await box.ok("exec", "--cap", "CAP_KILL", box.id, ...inheritable), none);
  assertEquals(await box.ok("exec", "--cap", "CAP_NET_RAW", "--user", "1000", box.id, ...inheritable), none);
  const file = `${box.dir}/process.json`;
  const capabilities = { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] };
  const process = { args: inheritable, cwd: "/", user: { uid: 0, gid: 0 }, env: ["PATH=/bin"], capabilities };
  Deno.writeTextFileSync(file, JSON.stringify(process));
  assertEquals(await box.ok("exec", "--process", file, box.id), none);
  await box.ok("spec", "--bundle", box.dir);
  const spec = JSON.parse(Deno.readTextFileSync(`${box.dir}/config.json`));
  assertEquals([spec.process.capabilities.inheritable, spec.process.capabilities.ambient], [undefined, undefined]);
});

rootTest("the caller's session keyring is not the container's, nor that of exec and of hooks", async () => {
  // this thread's, and so that of the commands it starts
  call("keyctl", KEYCTL_JOIN_SESSION_KEYRING, "runo-test-caller", 0, 0, 0);
  await using box = sandbox();
  writeKeyringProbe(`${box.rootfs}/bin/keyring`);
  const changes = { "process.args": ["keyring"] };
  const hook = { path: "/bin/sh", args: ["sh", "-c", "/bin/keyring >/hook"] };
  const name = (text: string) => text.replaceAll("\0", "").split(";").at(-1);
  const own = `_ses.${box.id}`;
  assertEquals(name(succeeded(await box.run({ ...changes, "hooks.startContainer": [hook] }))), own);
  assertEquals(name(Deno.readTextFileSync(`${box.rootfs}/hook`)), own);
  // the control: the caller's would be seen
  box.configure(changes);
  assertEquals(name(succeeded(await box.run(undefined, { args: ["--no-new-keyring"] }))), "runo-test-caller");
  await box.sleeping();
  assertEquals(name(await box.ok("exec", box.id, "keyring")), own);
});

rootTest("seccomp and no_new_privs hold for exec and for hooks of the container as well", async () => {
  await using box = sandbox();
  const seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13 }],
  };
  const show = "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status; mkdir /x 2>&1";
  await box.sleeping({
    "linux.seccomp": seccomp,
    "hooks.startContainer": [{ path: "/bin/sh", args: ["sh", "-c", `(${show}) >/hook; true`] }],
  });
  const expected = "NoNewPrivs:\t1\nSeccomp:\t2\nmkdir: can't create directory '/x': Permission denied\n";
  assertEquals((await box.runo(["exec", box.id, "sh", "-c", show])).stdout, expected);
  assertEquals(Deno.readTextFileSync(`${box.rootfs}/hook`), expected);
});

rootTest("nothing but stdio reaches the container, whatever the caller has open", async () => {
  await using box = sandbox();
  const after = "3</ 4</etc/passwd 5<>/dev/null 9</sys/fs/cgroup";
  const count = "ls /proc/self/fd | tr '\\n' ' '";
  const result = await box.run({ "process.args": ["sh", "-c", count] }, { after });
  assertEquals(succeeded(result), "0 1 2 3 ");
  await box.sleeping();
  assertEquals((await box.runo(["exec", box.id, "sh", "-c", count], { after })).stdout, "0 1 2 3 ");
});

rootTest("init and exec cannot be traced by an ordinary user of the container while they are made", async () => {
  await using box = sandbox();
  const watch = `for i in $(seq 3000); do for p in /proc/[0-9]*; do
    owner=$(stat -c %u $p/fd 2>/dev/null); case $(cat $p/comm 2>/dev/null) in runo*) echo $owner;; esac
  done; done >/tmp/log; sleep 1000`;
  await box.sleeping({ "process.args": ["sh", "-c", watch], "process.user": { uid: 1000, gid: 1000 } });
  for (let i = 0; i < 15; i++) await box.ok("exec", "--user", "1000:1000", box.id, "true");
  await box.ok("delete", "--force", box.id);
  const owners = new Set(Deno.readTextFileSync(`${box.rootfs}/tmp/log`).split("\n").filter((line) => line !== ""));
  assert(!owners.has("1000"), [...owners].join());
});

rootTest("namespaces of the host are out of reach of root in a user namespace", async () => {
  await using box = sandbox();
  new Deno.Command("chown", { args: ["-R", "100000:100000", box.rootfs] }).outputSync();
  const script = "echo x >/proc/sys/kernel/core_pattern; echo $?; echo 1 >/proc/sys/kernel/sysrq; echo $?; " +
    "echo c >/proc/sysrq-trigger; echo $?; mknod /tmp/d c 1 1; echo $?; chroot /proc/1/root true; echo $?; date -s 0 >/dev/null; echo $?";
  const all = [...PTRACE, "CAP_MKNOD", "CAP_SYS_CHROOT", "CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_RAWIO"];
  const { stdout } = await box.run({
    "process.args": ["sh", "-c", script],
    "process.capabilities": { bounding: all, effective: all, permitted: all },
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "user"),
    "linux.uidMappings": [{ containerID: 0, hostID: 100000, size: 1000 }],
    "linux.gidMappings": [{ containerID: 0, hostID: 100000, size: 1000 }],
    "linux.readonlyPaths": [],
    "linux.maskedPaths": [],
  });
  assertEquals(stdout, "1\n1\n1\n1\n0\n1\n");
});
