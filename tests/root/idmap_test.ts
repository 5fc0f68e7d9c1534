/** Id-mapped mounts. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Changes, map, namespaces, rootTest, type Sandbox, sandbox } from "./harness.ts";

const PROC = { destination: "/proc", type: "proc", source: "proc" };

/** A directory with files of several owners. */
function source(box: Sandbox): string {
  const dir = `${box.dir}/source`;
  Deno.mkdirSync(`${dir}/sub`, { recursive: true });
  for (const [name, uid, gid] of [["root", 0, 0], ["five", 5, 6], ["user", 1000, 1001]] as const) {
    Deno.writeTextFileSync(`${dir}/${name}`, name);
    Deno.chownSync(`${dir}/${name}`, uid, gid);
  }
  return dir;
}

function mounting(dir: string, options: readonly string[], more: Record<string, unknown> = {}): Changes {
  return { mounts: [PROC, { destination: "/mnt", type: "bind", source: dir, options, ...more }] };
}

function userNamespace(box: Sandbox): Changes {
  new Deno.Command("chown", { args: ["-R", "100000:200000", box.rootfs] }).outputSync();
  return {
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "user"),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 200000, 65536)],
  };
}

const OWNERS = "for f in root five user; do stat -c '%n %u:%g' /mnt/$f; done";

rootTest("idmap shows a mount as root of the container's user namespace would own it", async () => {
  await using box = sandbox();
  const dir = source(box);
  const script =
    `${OWNERS}; touch /mnt/new && rm /mnt/root && echo $?; grep -c ' /mnt .*,idmapped ' /proc/self/mountinfo`;
  const out = await box.shell(script, { ...userNamespace(box), ...mounting(dir, ["bind", "idmap"]) });
  assertEquals(out, "/mnt/root 0:0\n/mnt/five 5:6\n/mnt/user 1000:1001\n0\n1\n");
  const { uid, gid } = Deno.statSync(`${dir}/new`);
  assertEquals([uid, gid], [0, 0]);
});

rootTest("without idmap the same mount belongs to nobody", async () => {
  await using box = sandbox();
  const dir = source(box);
  const out = await box.shell(OWNERS, { ...userNamespace(box), ...mounting(dir, ["bind"]) });
  assertEquals(out, "/mnt/root 65534:65534\n/mnt/five 65534:65534\n/mnt/user 65534:65534\n");
});

rootTest("uidMappings and gidMappings of a mount work without a user namespace", async () => {
  await using box = sandbox();
  const dir = source(box);
  const maps = { uidMappings: [map(0, 40, 1), map(5, 50, 1)], gidMappings: [map(0, 3000, 2000)] };
  const out = await box.shell(OWNERS, mounting(dir, ["rbind"], maps));
  assertEquals(out, "/mnt/root 40:3000\n/mnt/five 50:3006\n/mnt/user 65534:4001\n");
});

rootTest("mounts with different maps and with none stand side by side", async () => {
  await using box = sandbox();
  const dir = source(box);
  const mounts = [
    PROC,
    { destination: "/a", type: "bind", source: dir, options: ["bind", "idmap"] },
    {
      destination: "/b",
      type: "bind",
      source: dir,
      options: ["bind"],
      uidMappings: [map(0, 100007, 1)],
      gidMappings: [map(0, 200008, 1)],
    },
    { destination: "/c", type: "bind", source: dir, options: ["bind"] },
    { destination: "/d", type: "bind", source: dir, options: ["bind", "idmap=uids=0-100001-1;gids=@0-2-1"] },
    { destination: "/e", type: "bind", source: dir, options: ["bind", "idmap"] },
  ];
  const out = await box.shell("stat -c '%n %u:%g' /?/root", { ...userNamespace(box), mounts });
  assertEquals(out, "/a/root 0:0\n/b/root 7:8\n/c/root 65534:65534\n/d/root 1:2\n/e/root 0:0\n");
});

rootTest("idmap maps what the mounts before have made of the root file system", async () => {
  await using box = sandbox();
  const dir = source(box);
  const inside = (more: Record<string, unknown>) => ({
    mounts: [
      PROC,
      { destination: "/outer", type: "bind", source: dir, options: ["bind"] },
      { destination: "/inner", type: "bind", source: `${box.rootfs}/outer/sub`, ...more },
    ],
  });
  const owner = "stat -c '%u:%g' /inner";
  const maps = { uidMappings: [map(0, 40, 1)], gidMappings: [map(0, 50, 1)] };
  assertEquals(await box.shell(owner, inside({ options: ["bind"], ...maps })), "40:50\n");
  assertEquals(await box.shell(owner, { ...userNamespace(box), ...inside({ options: ["bind", "idmap"] }) }), "0:0\n");
});

rootTest("idmap maps one mount, ridmap those below as well", async () => {
  await using box = sandbox();
  const dir = source(box);
  // of the same file system: tmpfs has id-mapped mounts since Linux 6.3 only
  Deno.mkdirSync(`${box.dir}/other`);
  const mounted = await new Deno.Command("mount", { args: ["--bind", `${box.dir}/other`, `${dir}/sub`] }).output();
  assertEquals(mounted.code, 0);
  try {
    const owner = "stat -c '%n %u:%g' /mnt/root /mnt/sub";
    const userns = userNamespace(box);
    const one = await box.shell(owner, { ...userns, ...mounting(dir, ["rbind", "idmap"]) });
    assertEquals(one, "/mnt/root 0:0\n/mnt/sub 65534:65534\n");
    const all = await box.shell(owner, { ...userns, ...mounting(dir, ["rbind", "ridmap"]) });
    assertEquals(all, "/mnt/root 0:0\n/mnt/sub 0:0\n");
  } finally {
    await new Deno.Command("umount", { args: [`${dir}/sub`] }).output();
  }
});

rootTest("idmap takes the maps of a user namespace that is joined", async () => {
  await using first = sandbox();
  const pid = await first.sleeping(userNamespace(first));
  await using box = sandbox();
  const dir = source(box);
  const out = await box.shell(OWNERS, {
    ...userNamespace(box),
    "linux.namespaces": [...namespaces("pid", "ipc", "uts", "mount"), { type: "user", path: `/proc/${pid}/ns/user` }],
    "linux.uidMappings": undefined,
    "linux.gidMappings": undefined,
    ...mounting(dir, ["bind", "idmap"]),
  });
  assertEquals(out, "/mnt/root 0:0\n/mnt/five 5:6\n/mnt/user 1000:1001\n");
});

rootTest("idmap keeps the other options of the mount", async () => {
  await using box = sandbox();
  const dir = source(box);
  const script = "grep ' /mnt ' /proc/self/mountinfo | cut -d' ' -f6; touch /mnt/new 2>/dev/null; echo $?";
  const out = await box.shell(script, {
    ...userNamespace(box),
    ...mounting(dir, ["bind", "ro", "nosuid", "nodev", "noexec", "idmap"]),
  });
  assertEquals(out, "ro,nosuid,nodev,noexec,relatime,idmapped\n1\n");
});

rootTest("no descriptor of an id mapping reaches the container", async () => {
  await using box = sandbox();
  const dir = source(box);
  const changes = { ...userNamespace(box), ...mounting(dir, ["bind", "idmap"]) };
  const pid = await box.create(changes);
  const links = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
    Deno.readLinkSync(`/proc/${pid}/fd/${name}`)
  );
  assertEquals(links.filter((link) => link.startsWith("user:")), []);
  await box.ok("delete", "--force", box.id);
  assertEquals(await box.shell("ls /proc/self/fd | wc -l", changes), "4\n");
});

rootTest("an id mapping that the kernel refuses is told with the reason", async () => {
  await using box = sandbox();
  const dir = source(box);
  const userns = userNamespace(box);
  const sysfs = await box.refused({ ...userns, ...mounting("/sys/kernel", ["bind", "idmap"]) });
  assertStringIncludes(sysfs, 'mounting "/sys/kernel" at "/mnt": mapping the ids: mount_setattr: EINVAL');
  assertStringIncludes(sysfs, "the file system, or this kernel, has no id-mapped mounts");
  assertStringIncludes(sysfs, "config.json /mounts/1");
  const tmpfs = await box.refused({
    mounts: [PROC, { destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["idmap"] }],
  });
  assertStringIncludes(tmpfs, "id-mapped mounts are only supported for bind-mounts");
  const none = await box.refused(mounting(dir, ["bind", "idmap"]));
  assertStringIncludes(none, "id-mapped mounts need mappings or a user namespace");
  assertStringIncludes(
    await box.refused(mounting(dir, ["bind", "idmap=uids=1"])),
    'must be like "idmap=uids=0-1000-1;gids=0-1000-1"',
  );
});
