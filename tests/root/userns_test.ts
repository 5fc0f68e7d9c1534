/** User namespaces: their maps, what belongs to them, what their root may not reach. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Changes, map, namespaces, processStatus, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";

const FIRST = 100_000;
const TYPES = ["pid", "network", "ipc", "uts", "mount", "cgroup", "user"] as const;

/** A config with a user namespace, and with a root file system that belongs to its root. */
function owned(box: Sandbox, changes: Changes = {}): Changes {
  succeeded2("chown", "-R", `${FIRST}:${FIRST}`, box.rootfs);
  return {
    "linux.namespaces": namespaces(...TYPES),
    "linux.uidMappings": [map(0, FIRST, 65536)],
    "linux.gidMappings": [map(0, FIRST, 65536)],
    ...changes,
  };
}

function succeeded2(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  assertEquals(code, 0, `${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Numbers of the lines of a map, as the kernel prints it. */
function rows(text: string): number[][] {
  return text.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
}

rootTest("a user namespace has the maps of the config, from one line to 340", async () => {
  for (const count of [1, 2, 6, 340]) {
    await using box = sandbox();
    const lines = Array.from({ length: count }, (_, i) => map(i, 5000 + 2 * i, 1));
    const changes = owned(box, { "linux.uidMappings": lines, "linux.gidMappings": lines, mounts: [] });
    succeeded2("chown", "-R", "5000:5000", box.rootfs);
    const proc = { mounts: [{ destination: "/proc", type: "proc", source: "proc" }] };
    const out = await box.shell("cat /proc/self/uid_map; echo; cat /proc/self/gid_map", { ...changes, ...proc });
    const [uids, gids] = out.split("\n\n");
    const expected = lines.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
    assertEquals(rows(uids!), expected);
    assertEquals(rows(gids!), expected);
  }
});

rootTest("maps that the kernel does not take are told with the reason", async () => {
  await using box = sandbox();
  const long = Array.from({ length: 300 }, (_, i) => map(i === 0 ? 0 : 1_000_000 + i, 2_000_000_000 + i, 1));
  const line = await box.refused(owned(box, { "linux.uidMappings": long }));
  assertStringIncludes(line, "uid_map");
  assertMatch(line, /the lines of linux\.uidMappings are \d+ bytes, and must be less than 4096/);
});

rootTest("init and exec are who the map says, on both sides", async () => {
  await using box = sandbox();
  const pid = await box.sleeping(owned(box, { "process.user": { uid: 7, gid: 8, additionalGids: [9] } }));
  assertEquals(processStatus(pid, "Uid").split("\t")[0], String(FIRST + 7));
  assertEquals(processStatus(pid, "Gid").split("\t")[0], String(FIRST + 8));
  assertEquals(processStatus(pid, "Groups").trim(), String(FIRST + 9));
  assertEquals(await box.ok("exec", box.id, "sh", "-c", "id -u; id -g"), "7\n8\n");
  assertEquals(await box.ok("exec", "--user", "0:0", box.id, "id", "-u"), "0\n");
  const mapOf = (process: number | string) => rows(Deno.readTextFileSync(`/proc/${process}/uid_map`));
  assertEquals(mapOf(pid), [[0, FIRST, 65536]]);
});

rootTest("what a user namespace owns is its root's to change", async () => {
  await using box = sandbox();
  const all = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"];
  const script = "hostname inside && hostname && ifconfig lo down && ifconfig lo up && ifconfig lo | grep -c UP && " +
    "echo 77 >/proc/sys/kernel/msgmni && cat /proc/sys/kernel/msgmni && mount -t tmpfs none /tmp && echo mounted";
  const out = await box.shell(
    script,
    owned(box, {
      "process.capabilities": { bounding: all, permitted: all, effective: all },
      "linux.readonlyPaths": [],
      "linux.maskedPaths": [],
    }),
  );
  assertEquals(out, "inside\n1\n77\nmounted\n");
});

rootTest("nothing of the host is the root of a user namespace's", async () => {
  await using box = sandbox();
  Deno.writeTextFileSync(`${box.bundle}/secret`, "secret");
  Deno.chmodSync(`${box.bundle}/secret`, 0o600);
  const changes = owned(box);
  const mounts = [{ destination: "/secret", type: "bind", source: "secret", options: ["bind"] }];
  const result = await box.run({
    ...changes,
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }, ...mounts],
    "process.args": [
      "sh",
      "-c",
      "cat /secret; echo $?; chown 0 /secret; echo $?; echo 1 >/proc/sysrq-trigger; echo $?",
    ],
  });
  assertEquals(result.code, 0);
  assertEquals(result.stdout, "1\n1\n1\n");
});

rootTest("devices are the host's, bound; a FIFO is made", async () => {
  await using box = sandbox();
  const devices = [
    { path: "/dev/fifo", type: "p", fileMode: 0o622 },
    { path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 0o600 },
  ];
  const script = "for d in null zero full random urandom tty kmsg; do stat -c '%n %F %t:%T' /dev/$d; done; " +
    "stat -c %F%a /dev/fifo; head -c 3 /dev/zero | hexdump -e '\"%d\"'; echo x >/dev/null && echo written";
  const out = await box.shell(script, owned(box, { "linux.devices": devices }));
  assertEquals(out.split("\n").slice(0, 7), [
    "/dev/null character special file 1:3",
    "/dev/zero character special file 1:5",
    "/dev/full character special file 1:7",
    "/dev/random character special file 1:8",
    "/dev/urandom character special file 1:9",
    "/dev/tty character special file 5:0",
    "/dev/kmsg character special file 1:b",
  ]);
  assertStringIncludes(out, "fifo622");
  assertStringIncludes(out, "written");
});

rootTest("devices cover what the image has in their place, links as well", async () => {
  await using box = sandbox();
  box.file("dev/null", "of the image");
  Deno.symlinkSync("/etc/passwd", `${box.rootfs}/dev/zero`);
  const before = Deno.readTextFileSync("/etc/passwd");
  const changes = owned(box, { mounts: [{ destination: "/proc", type: "proc", source: "proc" }] });
  const script =
    "echo x >/dev/null; stat -c '%F %t:%T' /dev/null /dev/zero; head -c 2 /dev/zero | hexdump -e '2/1 \"%d\"'";
  for (let run = 0; run < 2; run++) {
    assertEquals(
      await box.shell(script, changes),
      "character special file 1:3\ncharacter special file 1:5\n00",
    );
  }
  assertEquals(Deno.readTextFileSync(`${box.rootfs}/dev/null`), "of the image");
  assertEquals(Deno.readTextFileSync("/etc/passwd"), before);
});

rootTest("sources that root of the user namespace cannot reach are mounted all the same", async () => {
  await using box = sandbox();
  const hidden = `${box.dir}/hidden`;
  Deno.mkdirSync(`${hidden}/below`, { recursive: true });
  Deno.writeTextFileSync(`${hidden}/below/file`, "reached\n");
  Deno.chmodSync(hidden, 0o700);
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/below", type: "bind", source: `${hidden}/below`, options: ["rbind", "ro"] },
    { destination: "/etc/file", type: "bind", source: `${hidden}/below/file`, options: ["bind"] },
  ];
  assertEquals(await box.shell("cat /below/file /etc/file", owned(box, { mounts })), "reached\nreached\n");
});

rootTest("tmpcopyup copies what root of the user namespace may read, with owners that it knows", async () => {
  await using box = sandbox();
  box.file("up/dir/file", "copied\n");
  Deno.symlinkSync("dir/file", `${box.rootfs}/up/link`);
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/up", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "mode=755"] },
  ];
  const changes = owned(box, { mounts });
  Deno.chownSync(`${box.rootfs}/up/dir/file`, FIRST + 5, FIRST + 6);
  Deno.chmodSync(`${box.rootfs}/up/dir/file`, 0o664);
  const out = await box.shell("cat /up/link; stat -c '%n %u:%g %a' /up/dir /up/dir/file; stat -f -c %T /up", changes);
  assertEquals(out, "copied\n/up/dir 0:0 755\n/up/dir/file 5:6 664\ntmpfs\n");

  const alien = `${box.rootfs}/up/alien`;
  Deno.writeTextFileSync(alien, "secret");
  Deno.chmodSync(alien, 0o600);
  assertStringIncludes(
    await box.refused(changes),
    'opening "alien": EACCES (root of the container\'s user namespace may not read it',
  );
  Deno.chmodSync(alien, 0o644);
  assertEquals(await box.shell("cat /up/alien", changes), "secret");
});

rootTest("a hundred bind mounts in a user namespace", async () => {
  await using box = sandbox();
  const mounts = Array.from({ length: 100 }, (_, i) => {
    Deno.mkdirSync(`${box.dir}/m${i}`);
    return { destination: `/mnt/${i}`, type: "bind", source: `${box.dir}/m${i}`, options: ["bind"] };
  });
  const changes = owned(box, { mounts: [{ destination: "/proc", type: "proc", source: "proc" }, ...mounts] });
  assertEquals(await box.shell("grep -c /mnt/ /proc/self/mountinfo; ls /proc/self/fd | wc -l", changes), "100\n4\n");
});

rootTest("a container joins the user namespace of another, with and without its maps", async () => {
  await using first = sandbox();
  const pid = await first.sleeping(owned(first));
  const path = `/proc/${pid}/ns/user`;
  const bound = `${first.dir}/userns`;
  Deno.writeTextFileSync(bound, "");
  succeeded2("mount", "--bind", path, bound);
  try {
    for (const [at, maps] of [[path, true], [path, false], [bound, true], [bound, false]] as const) {
      await using box = sandbox();
      const joined = namespaces("pid", "network", "ipc", "uts", "mount");
      const changes = owned(box, {
        "linux.namespaces": [...joined, { type: "user", path: at }],
        ...maps ? {} : { "linux.uidMappings": undefined, "linux.gidMappings": undefined },
        "process.args": ["sh", "-c", "readlink /proc/self/ns/user; id -u; hostname there && hostname"],
        "process.capabilities": {
          bounding: ["CAP_SYS_ADMIN"],
          permitted: ["CAP_SYS_ADMIN"],
          effective: ["CAP_SYS_ADMIN"],
        },
      });
      assertEquals(succeeded(await box.run(changes)), `${Deno.readLinkSync(path)}\n0\nthere\n`);
    }
  } finally {
    succeeded2("umount", bound);
  }
});

rootTest("maps beside the path of a user namespace must be its own", async () => {
  await using first = sandbox();
  const pid = await first.sleeping(owned(first));
  await using box = sandbox();
  const line = await box.refused(owned(box, {
    hostname: undefined,
    "linux.namespaces": [...namespaces("mount", "pid"), { type: "user", path: `/proc/${pid}/ns/user` }],
    "linux.uidMappings": [map(0, FIRST, 1000)],
  }));
  assertStringIncludes(line, "user namespaces enabled, but both namespace path and non-matching mapping specified");
  assertStringIncludes(line, `maps uids 0:${FIRST}:65536`);
});

rootTest(
  "all namespaces of another container with a user namespace can be joined, and the host's with them",
  async () => {
    await using first = sandbox();
    const pid = await first.sleeping(owned(first));
    const names = { user: "user", network: "net", ipc: "ipc", uts: "uts", pid: "pid" } as const;
    const paths = Object.entries(names).map(([type, name]) => ({ type, path: `/proc/${pid}/ns/${name}` }));
    await using pod = sandbox();
    const print = "for n in user net ipc uts pid; do readlink /proc/self/ns/$n; done";
    const out = await pod.shell(
      print,
      owned(pod, { "linux.namespaces": [...paths, { type: "mount" }], hostname: undefined }),
    );
    const expected = (process: string | number) =>
      Object.values(names).map((name) => Deno.readLinkSync(`/proc/${process}/ns/${name}`));
    assertEquals(out.trim().split("\n"), expected(pid));

    // a namespace that is root's of the machine: joined before the user namespace, whose root may not
    await using mixed = sandbox();
    const host = paths.map((entry) => entry.type === "network" ? { ...entry, path: "/proc/self/ns/net" } : entry);
    const links = await mixed.shell(
      print,
      owned(mixed, { "linux.namespaces": [...host, { type: "mount" }], hostname: undefined }),
    );
    assertEquals(links.trim().split("\n")[1], Deno.readLinkSync("/proc/self/ns/net"));
  },
);

rootTest("a path that is no user namespace, or the host's own, is told", async () => {
  await using box = sandbox();
  const joining = (path: string) =>
    owned(box, {
      hostname: undefined,
      "linux.namespaces": [...namespaces("mount", "pid"), { type: "user", path }],
      "linux.uidMappings": undefined,
      "linux.gidMappings": undefined,
    });
  assertStringIncludes(await box.refused(joining("/proc/self/ns/net")), "is it a user namespace");
  assertStringIncludes(await box.refused(joining("/proc/self/ns/user")), "not the one runo is in already");
  assertStringIncludes(await box.refused(joining(`${box.dir}/none`)), "the namespace does not exist");
});

rootTest("sysfs and procfs are the host's where they cannot be mounted", async () => {
  await using box = sandbox();
  const changes = owned(box, {
    "linux.namespaces": namespaces("mount", "user"),
    hostname: undefined,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
    ],
  });
  const script = "ls /sys/kernel >/dev/null && cat /proc/1/comm; touch /sys/fs/cgroup/x; " +
    "awk '$5 ~ /^\\/sys/ && $6 !~ /^ro/' /proc/self/mountinfo | wc -l";
  const { stdout } = await box.run({ ...changes, "process.args": ["sh", "-c", script] });
  assertEquals(stdout, `${Deno.readTextFileSync("/proc/1/comm")}0\n`);
});

rootTest("rlimits and the oom score are set although root of the user namespace may not", async () => {
  await using box = sandbox();
  const [, hard] = /^Max processes\s+\S+\s+(\S+)/m.exec(Deno.readTextFileSync("/proc/self/limits"))!;
  const limit = hard === "unlimited" ? "18446744073709551615" : Number(hard);
  const script = "ulimit -n; ulimit -u; cat /proc/self/oom_score_adj";
  const changes = owned(box, {
    "process.rlimits": [
      { type: "RLIMIT_NOFILE", soft: 123, hard: 456 },
      { type: "RLIMIT_NPROC", soft: limit, hard: limit },
    ],
    "process.oomScoreAdj": 321,
  });
  const out = await box.shell(script, changes);
  assertEquals(out, `123\n${hard}\n321\n`);
  await box.sleeping(changes);
  assertEquals(await box.ok("exec", box.id, "sh", "-c", script), out);
});

rootTest("init and exec are in the cgroup, and so is a hook", async () => {
  await using box = sandbox();
  const log = `${box.dir}/log`;
  Deno.writeTextFileSync(log, "");
  Deno.chmodSync(log, 0o666);
  const pid = await box.sleeping(owned(box, {
    "linux.namespaces": namespaces("pid", "ipc", "mount", "user"),
    hostname: undefined,
    "hooks.createContainer": [{ path: "/bin/sh", args: ["sh", "-c", `cat /proc/self/cgroup >${log}`] }],
  }));
  const own = Deno.readTextFileSync(`/proc/${pid}/cgroup`);
  assertStringIncludes(own, box.cgroup);
  assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), own);
  assertEquals(Deno.readTextFileSync(log), own);
});

rootTest("hooks in the container are root of its user namespace, without the caller's groups", async () => {
  await using box = sandbox();
  const log = `${box.dir}/log`;
  Deno.writeTextFileSync(log, "");
  Deno.chmodSync(log, 0o666);
  const show = `(id -u; grep -E '^(Groups|CapEff)' /proc/self/status; readlink /proc/self/ns/user) >${log}`;
  const pid = await box.create(owned(box, {
    "hooks.createContainer": [{ path: "/bin/sh", args: ["sh", "-c", show] }],
    "process.args": ["sleep", "1000"],
  }));
  const [uid, groups, capabilities, namespace] = Deno.readTextFileSync(log).split("\n");
  assertEquals([uid, groups!.trim()], ["0", "Groups:"]);
  assertMatch(capabilities!, /^CapEff:\t0{4}[0-9a-f]+[1-9a-f]/);
  assertEquals(namespace, Deno.readLinkSync(`/proc/${pid}/ns/user`));
});

rootTest("a root file system that root of the user namespace cannot reach is told with advice", async () => {
  await using box = sandbox();
  const changes = owned(box);
  Deno.chmodSync(box.bundle, 0o700);
  const line = await box.refused(changes);
  assertStringIncludes(line, "EACCES");
  assertStringIncludes(line, "root of the container's user namespace must be able to reach it");
});

rootTest("init in a user namespace holds no directory and no namespace while it waits", async () => {
  await using box = sandbox();
  const pid = await box.create(owned(box));
  const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
    Deno.readLinkSync(`/proc/${pid}/fd/${name}`)
  );
  assert(links.every((link) => !/user:|^\/$|cgroup/.test(link)), links.join());
  assert(links.some((link) => link.endsWith("/exec.fifo")), links.join());
  assertEquals(links.length, 4, links.join());
});

rootTest("what a container mounts on a shared mount of the host stays in its user namespace", async () => {
  await using box = sandbox();
  const shared = `${box.dir}/shared`;
  Deno.mkdirSync(shared);
  succeeded2("mount", "-t", "tmpfs", "none", shared);
  try {
    succeeded2("mount", "--make-shared", shared);
    Deno.mkdirSync(`${shared}/below`);
    const mounts = [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/m", type: "bind", source: shared, options: ["rbind"] },
      { destination: "/m/below", type: "tmpfs", source: "tmpfs" },
    ];
    assertEquals(await box.shell("grep -c ' /m/below ' /proc/mounts", owned(box, { mounts })), "1\n");
    assertEquals(Deno.readTextFileSync("/proc/self/mounts").includes(` ${shared}/below `), false);
  } finally {
    succeeded2("umount", "--recursive", shared);
  }
});
