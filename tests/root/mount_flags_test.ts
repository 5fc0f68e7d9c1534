import { assertEquals, assertStringIncludes } from "@std/assert";

import { failed, map, namespaces, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";

const USER = {
  "linux.namespaces": namespaces("pid", "mount", "ipc", "uts", "network", "user"),
  "linux.uidMappings": [map(0, 100000, 65534)],
  "linux.gidMappings": [map(0, 100000, 65534)],
};

/** Runs a container with a bind mount of a tmpfs that has these flags on the host. */
async function bind(box: Sandbox, host: string, options: string, changes = {}) {
  const mounts = [
    { destination: "/proc", type: "proc" },
    { destination: "/dev", type: "tmpfs" },
    { destination: "/mnt", type: "bind", source: `${box.dir}/source`, options: options.split(",") },
  ];
  Deno.mkdirSync(`${box.dir}/source`, { recursive: true });
  const tmpfs = `mount -t tmpfs tmpfs ${box.dir}/source`;
  const flags = `mount --bind -o remount,${host} ${box.dir}/source`;
  const script =
    "while read -r _ _ _ _ at flags rest; do test $at = /mnt && echo $flags; done </proc/self/mountinfo; true";
  return await box.run({
    mounts,
    "process.args": ["sh", "-c", script],
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
    ...changes,
  }, {
    mounts: `${tmpfs}; ${flags}`,
  });
}

/** The flags that the container sees, in alphabetical order. */
async function flags(box: Sandbox, host: string, options: string, changes = {}): Promise<string> {
  const printed = succeeded(await bind(box, host, options, changes), `${host} -> ${options}`);
  return printed.trim().split(",").sort().join(",");
}

/** What becomes of a source with the first flags, bound with the second options. */
type Row = readonly [host: string, options: string, result: string];

const HOST_ROWS: readonly Row[] = [
  // without a flag all stay
  ["ro,noexec,nosymfollow,nodiratime", "bind", "nodiratime,noexec,nosymfollow,relatime,ro"],
  ["ro,nosuid", "bind,rprivate", "nosuid,relatime,ro"],
  ["noatime", "bind", "noatime,rw"],
  // with one, and be it one that clears, those that are not named are gone
  ["ro,noexec,nosymfollow,nodiratime", "bind,dev", "nodiratime,relatime,rw"],
  ["ro", "bind,nosuid,nodev,rprivate", "nodev,nosuid,relatime,rw"],
  ["ro", "bind,rw,nosuid,nodev", "nodev,nosuid,relatime,rw"],
  ["nosuid,nodev,noexec,noatime", "bind,dev,suid,exec,atime", "noatime,rw"],
  ["nodev,nosuid,noexec,noatime", "bind,ro", "noatime,ro"],
  ["nodev,nosymfollow", "bind,ro,symfollow", "relatime,ro"],
  ["nodev,nosuid", "bind,sync", "relatime,rw"],
  // the access time
  ["noatime", "bind,norelatime", "noatime,rw"],
  ["noatime", "bind,atime", "noatime,rw"],
  ["noatime", "bind,relatime", "relatime,rw"],
  ["noatime", "bind,nodiratime", "nodiratime,relatime,rw"],
  ["nodiratime", "bind,strictatime", "rw"],
  ["noatime", "bind,nodiratime,strictatime", "nodiratime,rw"],
  ["relatime", "bind,noatime", "noatime,rw"],
];

const USER_ROWS: readonly Row[] = [
  ["ro,noexec,nosymfollow,nodiratime", "bind", "nodiratime,noexec,nosymfollow,relatime,ro"],
  // what can be locked stays
  ["ro,noexec,nosymfollow,nodiratime", "bind,dev", "nodiratime,noexec,relatime,ro"],
  ["ro", "bind,nosuid,nodev,rprivate", "nodev,nosuid,relatime,ro"],
  ["nodev,nosuid,noexec,noatime", "bind,ro", "noatime,nodev,noexec,nosuid,ro"],
  ["nodev,nosymfollow", "bind,ro,symfollow", "nodev,relatime,ro"],
  ["nodev,nosymfollow", "bind,rw", "nodev,relatime,rw"],
  ["nodev,nosuid,noatime", "bind,ro,exec", "noatime,nodev,nosuid,ro"],
  ["strictatime", "bind,nostrictatime", "rw"],
  ["noatime,nodiratime", "bind,atime", "noatime,nodiratime,rw"],
  ["noatime", "bind,noatime,ro", "noatime,ro"],
];

rootTest("run() gives a bind mount the flags of its options", async () => {
  await using box = sandbox();
  for (const [host, options, result] of HOST_ROWS) {
    assertEquals(await flags(box, host, options), result, `${host} -> ${options}`);
  }
});

rootTest("run() keeps locked flags of a bind mount in a user namespace", async () => {
  await using box = sandbox();
  for (const [host, options, result] of USER_ROWS) {
    assertEquals(await flags(box, host, options, USER), result, `${host} -> ${options}`);
  }
});

rootTest("run() refuses to clear locked flags in a user namespace", async () => {
  await using box = sandbox();
  const rows = [
    ["ro", "bind,rw"],
    ["nodev,nosuid,noatime", "bind,dev,suid,exec,atime"],
    ["nodiratime", "bind,strictatime"],
    ["relatime", "bind,noatime"],
    ["strictatime", "bind,relatime"],
    ["relatime", "bind,nodiratime"],
  ] as const;
  for (const [host, options] of rows) {
    assertStringIncludes(
      failed(await bind(box, host, options, USER)),
      "operation not permitted",
      `${host} -> ${options}`,
    );
  }
});

rootTest("run() applies recursive options to the mounts below", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/source`);
  const mounts =
    `mount -t tmpfs -o strictatime top ${box.dir}/source; mkdir ${box.dir}/source/sub; mount -t tmpfs -o strictatime sub ${box.dir}/source/sub`;
  const both = async (options: string) => {
    const list = [
      { destination: "/proc", type: "proc" },
      { destination: "/dev", type: "tmpfs" },
      { destination: "/mnt", type: "bind", source: `${box.dir}/source`, options: options.split(",") },
    ];
    const script =
      "while read -r _ _ _ _ at flags rest; do case $at in /mnt*) echo $flags; esac; done </proc/self/mountinfo";
    const printed = succeeded(
      await box.run({ mounts: list, "process.args": ["sh", "-c", script] }, { mounts }),
      options,
    );
    return printed.trim().split("\n");
  };
  assertEquals(await both("rbind,ro"), ["ro", "rw"]);
  assertEquals(await both("rbind,rro"), ["ro", "ro"]);
  assertEquals(await both("rbind,rro,rw"), ["ro", "ro"]);
  assertEquals(await both("rbind,rnosuid,rnodev,rnoexec"), ["rw,nosuid,nodev,noexec", "rw,nosuid,nodev,noexec"]);
  assertEquals(await both("rbind,rnoatime"), ["rw,noatime", "rw,noatime"]);
  assertEquals(await both("rbind,rrelatime"), ["rw,relatime", "rw,relatime"]);
  assertEquals(await both("rbind,rnodiratime"), ["rw,nodiratime", "rw,nodiratime"]);
  assertEquals(await both("rbind,rnosymfollow"), ["rw,nosymfollow", "rw,nosymfollow"]);
  assertEquals(await both("rbind,rro,rrw"), ["rw", "rw"]);
  assertEquals(await both("bind,rro"), ["ro"]);
});

rootTest("run() gives a new file system its flags", async () => {
  await using box = sandbox();
  const seen = async (options: string) => {
    const mounts = [
      { destination: "/proc", type: "proc" },
      { destination: "/dev", type: "tmpfs" },
      { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: options.split(",") },
    ];
    const script =
      "while read -r _ _ _ _ at flags rest; do test $at = /mnt && echo $flags $rest; done </proc/self/mountinfo; true";
    return (await box.shell(script, { mounts })).trim();
  };
  const mode = (text: string) => text.replace(/ - tmpfs tmpfs.*/, "");
  assertEquals(mode(await seen("nosuid,nodev,noexec")), "rw,nosuid,nodev,noexec,relatime");
  assertEquals(mode(await seen("nosuid,suid,dev,exec")), "rw,relatime");
  assertEquals(mode(await seen("ro")), "ro,relatime");
  assertEquals(mode(await seen("ro,rw")), "rw,relatime");
  assertEquals(mode(await seen("noatime")), "rw,noatime");
  assertEquals(mode(await seen("noatime,atime,norelatime,diratime")), "rw,relatime");
  assertEquals(mode(await seen("strictatime")), "rw");
  assertEquals(mode(await seen("nodiratime,nosymfollow")), "rw,nodiratime,relatime,nosymfollow");
  assertStringIncludes(await seen("sync,dirsync,size=64k,mode=700"), "rw,sync,dirsync,size=64k,mode=700");
  assertEquals((await seen("sync,async,dirsync")).split(/[ ,]/).filter((option) => option.endsWith("sync")), [
    "dirsync",
  ]);
  assertStringIncludes(
    await seen("defaults,loud,silent,iversion,noiversion,lazytime,nolazytime,mand,nomand,size=8k"),
    "size=8k",
  );
});
