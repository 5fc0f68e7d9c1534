/** Ordinary users, and root of user namespaces. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CAPABILITIES } from "../../ffi/abi.ts";
import { exists, map, rootTest, RUNO, sandbox } from "./harness.ts";
import type { Changes } from "../unit/core/spec/config.ts";
import { execute, type Result } from "./support/command.ts";
import { makeRootfs } from "./support/rootfs.ts";
import { TestUser } from "./support/users.ts";

/** The user's bundle as `spec --rootless` makes it, with changes; its home is the bundle. */
async function bundle(user: TestUser, changes: Changes = {}): Promise<void> {
  if (!exists(`${user.home}/rootfs`)) {
    makeRootfs(`${user.home}/rootfs`);
    await user.own(`${user.home}/rootfs`);
    assertEquals((await user.sh("runo spec --rootless")).stderr, "");
    Deno.renameSync(`${user.home}/config.json`, `${user.home}/spec.json`);
  }
  const spec = JSON.parse(Deno.readTextFileSync(`${user.home}/spec.json`));
  for (const [path, value] of Object.entries({ "process.terminal": false, ...changes })) {
    const keys = path.split(".");
    const last = keys.pop()!;
    let holder = spec;
    for (const key of keys) holder = holder[key] ??= {};
    holder[last] = value;
  }
  Deno.writeTextFileSync(`${user.home}/config.json`, JSON.stringify(spec));
}

function printed({ code, stdout, stderr }: Result): string {
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
  return stdout;
}

/** Runs the container `c`, which prints. */
async function run(user: TestUser, script: string, changes: Changes = {}): Promise<string> {
  await bundle(user, { "process.args": ["sh", "-c", script], ...changes });
  return printed(await user.sh("runo run c"));
}

/** The error of a run. */
async function refused(user: TestUser, changes: Changes, env: Record<string, string> = {}): Promise<string> {
  await bundle(user, changes);
  const { code, stderr } = await user.sh("runo run c", { env });
  assertEquals(code, 1, stderr);
  assertEquals(stderr.trim().split("\n").length, 1, stderr);
  return stderr;
}

rootTest("an ordinary user runs what spec --rootless makes as it is", async () => {
  for (const ranges of [true, false]) {
    await using user = await TestUser.make({ ranges });
    makeRootfs(`${user.home}/rootfs`);
    await user.own(`${user.home}/rootfs`);
    const script = "runo spec --rootless && echo 'id -u; cat /proc/self/setgroups; hostname; exit 3' | " +
      "script -qec 'runo run c' /dev/null; echo $?";
    const { stdout, stderr } = await user.sh(script);
    assertEquals(stderr, "");
    assertMatch(stdout, /0\r?\n/);
    assertStringIncludes(stdout, "deny");
    assertStringIncludes(stdout, "runo");
    assertStringIncludes(stdout, "\n3\n");
  }
});

rootTest("an ordinary user creates, executes in, starts, lists and deletes containers", async () => {
  await using user = await TestUser.make();
  await bundle(user, { "process.args": ["sleep", "1000"] });
  const at = async (command: string) => printed(await user.sh(`runo ${command}`));
  await at("create c");
  assertEquals(JSON.parse(await at("state c")).status, "created");
  assertEquals(await at("exec c id -u"), "0\n");
  await at("start c");
  assertEquals(await at("exec c sh -c 'echo $0; cat /proc/1/comm'"), "sh\nsleep\n");
  const [listed] = JSON.parse(await at("list --format=json"));
  assertEquals([listed.id, listed.status, listed.owner], ["c", "running", user.name]);
  await at("kill c KILL");
  await at("delete --force c");
  assertEquals(await at("list -q"), "");
});

rootTest("state.json tells who is rootless", async () => {
  const flags = (dir: string) => {
    const { rootless = false, config } = JSON.parse(Deno.readTextFileSync(`${dir}/state.json`));
    return [rootless, config.rootless_euid ?? false, config.rootless_cgroups ?? false];
  };
  await using user = await TestUser.make();
  await bundle(user);
  printed(await user.sh("runo create c"));
  assertEquals(flags(`${user.home}/run/runc/c`), [true, true, true]);
  printed(await user.sh("runo delete --force c"));
  printed(await user.sh("runo --rootless=false --cgroup-manager disabled create c"));
  assertEquals(flags(`${user.home}/run/runc/c`), [false, true, false]);
  printed(await user.sh("runo delete --force c"));

  await using box = sandbox();
  await box.create();
  assertEquals(flags(box.stateDir), [false, false, false]);

  const mounts = [{ destination: "/proc", type: "proc", source: "proc" }];
  await using nested = sandbox({ mounts, "linux.cgroupsPath": undefined });
  const unshared = ["unshare", "-Ur", RUNO, "--root", nested.root];
  printed(await execute([...unshared, "create", "--bundle", nested.bundle, nested.id]));
  assertEquals(flags(nested.stateDir), [false, false, true]);
  printed(await execute([...unshared, "delete", "--force", nested.id]));
});

rootTest(
  "the state root is in XDG_RUNTIME_DIR for users and for root of a user namespace that is not called root",
  async () => {
    const dir = Deno.makeTempDirSync({ prefix: "runo-test-xdg-" });
    try {
      const list = (command: readonly string[], env: Record<string, string>) =>
        execute([...command, RUNO, "list", "-q"], { env: { ...env, PATH: "/usr/bin:/bin" }, clearEnv: true });
      const made = (name: string) => exists(`${dir}/${name}/runc`);
      for (const name of ["real", "root", "other", "unset", "empty"]) Deno.mkdirSync(`${dir}/${name}`);
      printed(await list([], { XDG_RUNTIME_DIR: `${dir}/real`, USER: "u" }));
      assert(!made("real"), "root of the machine has its own place");
      printed(await list(["unshare", "-Ur"], { XDG_RUNTIME_DIR: `${dir}/root`, USER: "root" }));
      assert(!made("root"), "USER=root");
      for (const [name, env] of [["other", { USER: "u" }], ["unset", {}], ["empty", { USER: "" }]] as const) {
        printed(await list(["unshare", "-Ur"], { XDG_RUNTIME_DIR: `${dir}/${name}`, ...env }));
        assertEquals(Deno.statSync(`${dir}/${name}/runc`).mode! & 0o7777, 0o1700, name);
      }
      await using user = await TestUser.make();
      printed(await user.sh("runo list -q"));
      assertEquals(Deno.statSync(`${user.home}/run/runc`).mode! & 0o7777, 0o1700);
      printed(await user.sh(`runo --root ${user.home}/elsewhere list -q 2>/dev/null; true`));
      assertEquals([...Deno.readDirSync(`${user.home}/run`)].map(({ name }) => name), ["runc"]);
    } finally {
      Deno.removeSync(dir, { recursive: true });
    }
  },
);

rootTest("newuidmap and newgidmap write what the user may not write itself", async () => {
  await using user = await TestUser.make();
  const { first } = user.range!;
  const show = "cat /proc/self/uid_map; echo; cat /proc/self/gid_map; echo; cat /proc/self/setgroups";
  for (const count of [2, 6, 8, 40]) {
    const lines = [
      map(0, user.uid, 1),
      ...Array.from({ length: count - 1 }, (_, i) => map(1 + 2 * i, first + 3 * i, 2)),
    ];
    const [uids, gids, setgroups] = (await run(user, show, { "linux.uidMappings": lines, "linux.gidMappings": lines }))
      .split("\n\n");
    const expected = lines.map(({ containerID, hostID, size }) => [containerID, hostID, size]);
    for (const text of [uids!, gids!]) {
      assertEquals(text.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number)), expected);
    }
    assertEquals(setgroups, "allow\n");
  }
  // root of the container is another than the user: all that it needs is readable
  const sub = { "linux.uidMappings": [map(0, first, 100)], "linux.gidMappings": [map(0, first, 100)] };
  assertEquals(await run(user, "id -u; cat /proc/self/uid_map | wc -l", sub), "0\n1\n");
});

rootTest("the mapping tools get the map as arguments and a clean environment", async () => {
  await using user = await TestUser.make();
  const { first } = user.range!;
  const log = `${user.home}/log`;
  for (const tool of ["newuidmap", "newgidmap"]) {
    const path = `${user.home}/tools/${tool}`;
    Deno.mkdirSync(`${user.home}/tools`, { recursive: true });
    Deno.writeTextFileSync(
      path,
      `#!/bin/sh\necho "${tool} $# $2 $3 $4 $5 $6 $7 CALLER=$CALLER" >>${log}\nexec /usr/bin/${tool} "$@"\n`,
    );
    Deno.chmodSync(path, 0o755);
  }
  const maps = [map(0, user.uid, 1), map(1, first, 9)];
  await bundle(user, { "linux.uidMappings": maps, "linux.gidMappings": maps, "process.args": ["true"] });
  const env = { PATH: `${user.home}:${user.home}/tools:/usr/bin:/bin`, CALLER: "x" };
  printed(await user.sh("runo run c", { env }));
  const line = `7 0 ${user.uid} 1 1 ${first} 9 CALLER=`;
  assertEquals(Deno.readTextFileSync(log), `newuidmap ${line}\nnewgidmap ${line}\n`);
});

rootTest("a mapping tool that is missing or refuses is told with advice", async () => {
  await using user = await TestUser.make();
  const { first } = user.range!;
  const own = [map(0, user.uid, 1)], more = [map(0, user.uid, 1), map(1, first, 9)];
  const without = { PATH: `${user.home}:${user.home}/none` };
  const uid = await refused(user, { "linux.uidMappings": more }, without);
  assertMatch(uid, /failed to use newuid map on \d+: mapping tool not present \(install newuidmap/);
  const gid = await refused(user, { "linux.uidMappings": own, "linux.gidMappings": more }, without);
  assertMatch(gid, /failed to use newgid map on \d+: mapping tool not present \(install newgidmap/);
  const alien = await refused(user, { "linux.uidMappings": [map(0, user.uid, 1), map(1, 1, 9)] });
  assertMatch(alien, /failed to use newuid map on \d+: newuidmap exited with 1/);
  assertStringIncludes(alien, `/etc/subuid lets ${user.name} map ${first}-${first + user.range!.size - 1}`);

  await using poor = await TestUser.make({ ranges: false });
  const none = await refused(poor, { "linux.gidMappings": [map(0, poor.uid, 1), map(1, 100000, 9)] });
  assertStringIncludes(none, `/etc/subgid has no range for ${poor.name}: usermod --add-subgids`);
});

/** Limits without a cgroup: the words for v2 are others. */
const NO_LIMITS = exists("/sys/fs/cgroup/cgroup.procs")
  ? "rootless needs no limits + no cgrouppath when no permission is granted for cgroups"
  : "cannot set pids limit: container could not join or create cgroup";

rootTest("what an ordinary user cannot have is refused in runc's words", async () => {
  await using user = await TestUser.make();
  const rows: [Changes, string][] = [
    [{
      "linux.namespaces": [{ type: "mount" }, { type: "pid" }],
      "linux.uidMappings": [],
      "linux.gidMappings": [],
      hostname: "",
    }, "rootless container requires user namespaces"],
    [{ "process.user.additionalGids": [0] }, "cannot set any additional groups in a rootless container"],
    [
      { mounts: [{ destination: "/m", type: "tmpfs", source: "tmpfs", options: ["uid=7"] }] },
      "cannot specify uid=7 mount options for unmapped uid in rootless containers",
    ],
    [
      { mounts: [{ destination: "/m", type: "bind", source: "/etc", options: ["bind", "idmap"] }] },
      "id-mapped mounts are not supported for rootless containers",
    ],
    [{ "linux.resources": { pids: { limit: 5 } } }, NO_LIMITS],
    [{ "linux.cgroupsPath": "/runo-test/rootless" }, "unable to apply cgroup configuration: mkdir /"],
  ];
  for (const [changes, words] of rows) assertStringIncludes(await refused(user, changes), words);
});

rootTest("mount options name ids of the container", async () => {
  await using user = await TestUser.make();
  const mounts = [{ destination: "/m", type: "tmpfs", source: "tmpfs", options: ["uid=0", "gid=0", "mode=700"] }];
  assertEquals(await run(user, "stat -c %u:%g:%a /m", { mounts }), "0:0:700\n");
});

rootTest("nothing of the host's cgroups can be written by a rootless container", async () => {
  await using user = await TestUser.make();
  const script = "for f in $(find /sys/fs/cgroup -maxdepth 2 -type d); do mkdir $f/x 2>/dev/null && echo $f; done; " +
    "touch /sys/fs/cgroup/x 2>/dev/null && echo written; echo end";
  assertEquals(await run(user, script), "end\n");
});

rootTest("hooks of an ordinary user find its container's namespaces", async () => {
  await using user = await TestUser.make();
  const hook = (script: string) => [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] }];
  const log = `${user.home}/log`;
  const pid = "p=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')";
  await bundle(user, {
    hooks: {
      createRuntime: hook(
        `${pid}; readlink /proc/$p/ns/user >>${log} && nsenter -t $p -U -m --preserve-credentials id -u >>${log}`,
      ),
      createContainer: hook(`readlink /proc/self/ns/user >>${log}; id -u >>${log}`),
      startContainer: hook(`exit 0`),
      poststart: hook(`${pid}; readlink /proc/$p/ns/user >>${log}; id -u >>${log}`),
    },
    "process.args": ["sleep", "1000"],
  });
  printed(await user.sh("runo create c && runo start c && runo delete --force c"));
  const lines = Deno.readTextFileSync(log).trim().split("\n");
  assertEquals(new Set([lines[0], lines[2], lines[4]]).size, 1, lines.join());
  assertMatch(lines[0]!, /^user:\[\d+\]$/);
  assertEquals([lines[1], lines[3], lines[5]], ["0", "0", String(user.uid)]);
});

rootTest("root of a user namespace runs containers with and without one of their own", async () => {
  await using box = sandbox();
  const nested = { "linux.cgroupsPath": undefined, "process.args": ["sh", "-c", "id -u; ls /sys | wc -l"] };
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
    { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"] },
    { destination: "/etc/of-the-host", type: "bind", source: "/etc/passwd", options: ["bind", "ro"] },
  ];
  const within = (...args: string[]) => execute(["unshare", "-Ur", RUNO, "--root", box.root, ...args]);
  box.configure({ ...nested, mounts });
  assertMatch(printed(await within("run", "--bundle", box.bundle, box.id)), /^0\n[1-9]/);
  const own = {
    "linux.namespaces": ["pid", "network", "ipc", "uts", "mount", "user"].map((type) => ({ type })),
    "linux.uidMappings": [map(0, 0, 1)],
    "linux.gidMappings": [map(0, 0, 1)],
  };
  box.configure({ ...nested, mounts, ...own });
  assertMatch(printed(await within("run", "--bundle", box.bundle, box.id)), /^0\n[1-9]/);
});

rootTest("ids that the caller's user namespace does not map are told", async () => {
  await using box = sandbox();
  const within = async () =>
    (await execute(["unshare", "-Ur", RUNO, "--root", box.root, "run", "--bundle", box.bundle, box.id])).stderr;
  box.configure({ "linux.cgroupsPath": undefined });
  assertStringIncludes(await within(), 'the id of \\"gid=5\\" is not mapped in the user namespace');
  box.configure({
    "linux.cgroupsPath": undefined,
    "linux.namespaces": ["pid", "ipc", "uts", "mount", "user"].map((type) => ({ type })),
    "linux.uidMappings": [map(0, 100000, 10)],
    "linux.gidMappings": [map(0, 100000, 10)],
  });
  assertStringIncludes(await within(), "is not mapped in the user namespace of the caller");
});

rootTest("a kernel that allows no user namespace is told", async () => {
  await using box = sandbox({
    "linux.cgroupsPath": undefined,
    "linux.namespaces": ["mount", "user"].map((type) => ({ type })),
    hostname: undefined,
    "linux.uidMappings": [map(0, 0, 1)],
    "linux.gidMappings": [map(0, 0, 1)],
  });
  const command =
    `echo 0 >/proc/sys/user/max_user_namespaces; exec ${RUNO} --root ${box.root} run -b ${box.bundle} ${box.id}`;
  const { code, stderr } = await execute(["unshare", "-Ur", "sh", "-c", command]);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    "making a user namespace: unshare: ENOSPC (too many user namespaces (sysctl user.max_user_namespaces)",
  );
});

rootTest("root in a container runs a container", async () => {
  await using box = sandbox();
  makeRootfs(`${box.rootfs}/inner`);
  const spec = JSON.parse(
    await (async () => {
      const inner = sandbox({
        "linux.cgroupsPath": "/inner",
        "process.args": ["sh", "-c", "echo inside; echo $$"],
      });
      await using _inner = inner;
      return Deno.readTextFileSync(`${inner.bundle}/config.json`);
    })(),
  );
  spec.root.path = "/inner";
  box.file("bundle/config.json", JSON.stringify(spec));
  const bind = (path: string) => ({ destination: path, type: "bind", source: path, options: ["rbind", "ro"] });
  const libraries = ["/lib", "/lib64", "/usr/lib"].filter(exists).map(bind);
  const known = JSON.parse(await box.ok("features")).linux.capabilities as string[];
  const held = BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]}`);
  const bounding = known.filter((name) => held & 1n << BigInt(CAPABILITIES.indexOf(name)));
  const out = await box.shell("mkdir -p /run && /runo --root /run/inner run --bundle /bundle c", {
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] },
      { destination: "/sys", type: "sysfs", source: "sysfs" },
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" },
      { destination: "/run", type: "tmpfs", source: "tmpfs" },
      { destination: "/runo", type: "bind", source: RUNO, options: ["bind", "ro"] },
      ...libraries,
    ],
    "process.capabilities": { bounding, effective: bounding, permitted: bounding },
    "process.noNewPrivileges": false,
    "linux.resources": { devices: [{ allow: true, access: "rwm" }] },
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
  });
  assertEquals(out, "inside\n1\n");
});
