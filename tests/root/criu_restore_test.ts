import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, map, namespaces, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  piped,
  printedLines,
  printsMore,
  restore,
  runo,
  WITH_CRIU,
} from "./support/criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

/** A namespace of its own that outlives its processes, at a path; disposing removes it. */
function heldNamespace(box: Sandbox, type: "net" | "ipc" | "uts"): { readonly path: string; remove(): void } {
  const path = `${box.dir}/ns-${type}`;
  Deno.writeTextFileSync(path, "");
  run("unshare", `--${type}=${path}`, "true");
  return {
    path,
    remove: () => {
      run("umount", path);
      Deno.removeSync(path);
    },
  };
}

function run(program: string, ...args: readonly string[]): void {
  const { success, stderr } = new Deno.Command(program, { args: [...args] }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
}

criuTest("restore() puts the container back into an external network namespace, and says when it is gone", async () => {
  await using box = sandbox();
  const held = heldNamespace(box, "net");
  const types = [...namespaces("pid", "ipc", "uts", "mount"), { type: "network", path: held.path }];
  box.configure({ "process.args": COUNTING, "linux.namespaces": types });
  await counting(box);
  const inode = Deno.statSync(held.path).ino;
  for (let round = 0; round < 2; round++) {
    succeeded(await checkpoint(box));
    assertEquals(await restore(box), WELL);
    assertEquals(Deno.statSync(`/proc/${await box.pid()}/ns/net`).ino, inode);
    await printsMore(box, 1);
  }
  assertCounted(box);
  succeeded(await checkpoint(box));
  held.remove();
  const { code, stderr } = await restore(box);
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Requested network namespace ${held.path} does not exist`);
  assert(!exists(box.stateDir), "nothing is left");
});

criuTest("restore() joins external ipc and uts namespaces", async () => {
  await using box = sandbox();
  const ipc = heldNamespace(box, "ipc"), uts = heldNamespace(box, "uts");
  const joined = [{ type: "ipc", path: ipc.path }, { type: "uts", path: uts.path }];
  box.configure({
    "process.args": COUNTING,
    hostname: undefined,
    "linux.namespaces": [...namespaces("pid", "network", "mount"), ...joined],
    "mounts.4": { destination: "/mnt", type: "tmpfs", source: "tmpfs" },
  });
  await counting(box);
  succeeded(await checkpoint(box));
  assertEquals(await restore(box), WELL);
  const pid = await box.pid();
  assertEquals(Deno.statSync(`/proc/${pid}/ns/ipc`).ino, Deno.statSync(ipc.path).ino);
  assertEquals(Deno.statSync(`/proc/${pid}/ns/uts`).ino, Deno.statSync(uts.path).ino);
  await box.ok("delete", "--force", box.id);
  ipc.remove();
  uts.remove();
});

criuTest("restore() runs prestart and createRuntime hooks with the pid of the process that will be init", async () => {
  await using box = sandbox();
  const order = `${box.dir}/order`;
  const dump = (name: string) => [{
    path: "/bin/sh",
    args: ["sh", "-c", `cat >>${box.dir}/${name}; echo ${name} >>${order}`],
  }];
  box.configure({
    "process.args": COUNTING,
    annotations: { "a.b": "c=d" },
    "hooks.prestart": dump("prestart"),
    "hooks.createRuntime": dump("createRuntime"),
    "hooks.poststop": dump("poststop"),
  });
  await counting(box);
  succeeded(await checkpoint(box));
  assertEquals(JSON.parse(Deno.readTextFileSync(`${box.dir}/poststop`)).status, "stopped");
  for (const name of ["prestart", "createRuntime", "order"]) Deno.removeSync(`${box.dir}/${name}`);
  const pidFile = `${box.dir}/pid`;
  assertEquals(await restore(box, "--pid-file", pidFile), WELL);
  assertEquals(Deno.readTextFileSync(order), "prestart\ncreateRuntime\n");
  for (const name of ["prestart", "createRuntime"]) {
    const state = JSON.parse(Deno.readTextFileSync(`${box.dir}/${name}`));
    assertEquals(String(state.pid), Deno.readTextFileSync(pidFile), name);
    assertEquals([state.id, state.status, state.annotations], [box.id, "creating", { "a.b": "c=d" }]);
  }
});

criuTest("restore() with a failing hook leaves nothing behind, and the images are good for another try", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box));
  const hook = [{ path: "/bin/sh", args: ["sh", "-c", "echo no such network >&2; exit 3"] }];
  box.configure({ "process.args": COUNTING, "hooks.prestart": hook });
  const { code, stderr } = await restore(box);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "error running prestart hook #0: exit status 3");
  assertStringIncludes(stderr, "no such network");
  assertEquals(box.leftovers(), []);
  box.configure({ "process.args": COUNTING });
  assertEquals(await restore(box), WELL);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("restore() into a time namespace is entered by exec", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box));
  assertEquals(await restore(box), WELL);
  const inits = Deno.readLinkSync(`/proc/${await box.pid()}/ns/time`);
  assertEquals((await box.ok("exec", box.id, "readlink", "/proc/self/ns/time")).trim(), inits);
});

criuTest("restore() in the foreground ends as the container does, and removes it", async () => {
  const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
  await using box = sandbox({ "process.args": ["sh", "-c", script] });
  succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
  await until(() => printedLines(box).length === 1, "the container");
  succeeded(await checkpoint(box));
  const args = ["restore", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  const restored = piped(box, args);
  await until(() => exists(`${box.stateDir}/state.json`), "the state");
  await box.reaches("running");
  await box.ok("kill", box.id, "TERM");
  assertEquals((await restored).code, 7);
  assert(!exists(box.stateDir), "the container is gone");
});

criuTest("restore() makes mount points anew that are missing, those inside of bind mounts too", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/outer`);
  Deno.mkdirSync(`${box.dir}/inner`);
  Deno.writeTextFileSync(`${box.dir}/inner/file`, "inside\n");
  const bind = (destination: string, source: string) => ({ destination, source, type: "bind", options: ["rbind"] });
  box.configure({
    "process.args": COUNTING,
    "mounts.7": bind("/made/outer", `${box.dir}/outer`),
    "mounts.8": bind("/made/outer/in/ner", `${box.dir}/inner`),
    "mounts.9": bind("/made/file", `${box.dir}/inner/file`),
  });
  await counting(box);
  succeeded(await checkpoint(box));
  Deno.removeSync(`${box.rootfs}/made`, { recursive: true });
  Deno.removeSync(`${box.dir}/outer/in`, { recursive: true });
  assertEquals(await restore(box), WELL);
  const read = ["cat", "/made/outer/in/ner/file", "/made/file"];
  assertEquals(await box.ok("exec", box.id, ...read), "inside\ninside\n");
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("restore() finds mount points behind links", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.rootfs}/real`);
  Deno.symlinkSync("/real", `${box.rootfs}/link`);
  Deno.mkdirSync(`${box.dir}/shared`);
  const mount = { destination: "/link/shared", source: `${box.dir}/shared`, type: "bind", options: ["bind"] };
  box.configure({ "process.args": COUNTING, "mounts.7": mount });
  await counting(box);
  succeeded(await checkpoint(box));
  assertEquals(await restore(box), WELL);
  await box.ok("exec", box.id, "touch", "/real/shared/x");
  assert(exists(`${box.dir}/shared/x`));
});

criuTest("restore() of a container with a user namespace keeps its ids", async () => {
  await using box = sandbox();
  const pureV2 = exists("/sys/fs/cgroup/cgroup.controllers");
  box.configure({
    "process.args": COUNTING,
    // without one of cgroups the kernel lets nobody mount those of version 2 there
    "linux.namespaces": namespaces(
      "pid",
      "network",
      "ipc",
      "uts",
      "mount",
      "user",
      ...pureV2 ? ["cgroup" as const] : [],
    ),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
  });
  run("chown", "-R", "-h", "100000:100000", box.rootfs);
  await counting(box);
  succeeded(await checkpoint(box));
  assertEquals(await restore(box), WELL);
  const pid = await box.pid();
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/uid_map`).trim().split(/\s+/), ["0", "100000", "65536"]);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("restore() takes a work directory behind a link, as containerd's is", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box));
  Deno.mkdirSync(`${box.dir}/real`);
  Deno.symlinkSync(`${box.dir}/real`, `${box.dir}/work`);
  assertEquals(await restore(box, "--work-path", `${box.dir}/work`), WELL);
  assert(exists(`${box.dir}/real/restore.log`));
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("restore() says what is wrong with the images", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  const none = failed(await restoreFrom(box, `${box.dir}/none`));
  assertStringIncludes(none, "descriptors.json");
  assertStringIncludes(none, "--image-path");
  await counting(box);
  succeeded(await checkpoint(box));
  Deno.removeSync(`${imagesOf(box)}/inventory.img`);
  const damaged = failed(await restoreFrom(box, imagesOf(box)));
  assertStringIncludes(damaged, "criu failed: type RESTORE errno");
  assertStringIncludes(damaged, "an image is missing or cut short");
  assertEquals(box.leftovers(), []);
});

criuTest("restore() says that the root file system is another one", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await checkpoint(box));
  Deno.removeSync(`${box.rootfs}/bin/busybox`);
  Deno.writeTextFileSync(`${box.rootfs}/bin/busybox`, "another file");
  const message = failed(await restoreFrom(box, imagesOf(box)));
  assertStringIncludes(message, "bin/busybox");
  assertStringIncludes(message, "same root file system");
  assertEquals(box.leftovers(), []);
});

criuTest("restore() says what CRIU needs in a root file system that is read-only", async () => {
  await using box = sandbox({ "process.args": COUNTING, "root.readonly": true });
  Deno.removeSync(`${box.rootfs}/tmp`);
  await counting(box);
  succeeded(await checkpoint(box));
  const restored = await restore(box);
  // CRIU 3.17 does without
  if (restored.code !== 0) {
    assertStringIncludes(failed(restored), 'CRIU needs a directory "tmp"');
    assertEquals(box.leftovers(), []);
    Deno.mkdirSync(`${box.rootfs}/tmp`);
    assertEquals(await restore(box), WELL);
  }
  await printsMore(box, 2);
  assertCounted(box);
});

function restoreFrom(box: Sandbox, images: string) {
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", images, box.id];
  return box.runo([...WITH_CRIU, ...args]);
}

criuTest("restore() brings back the socket for notifications of a container that had one", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  const notified = ["env", `NOTIFY_SOCKET=${box.dir}/manager`, ...runo(box)];
  assertEquals(await piped(box, ["create", "--bundle", box.bundle, box.id], notified), WELL);
  await box.ok("start", box.id);
  await printsMore(box, 1);
  succeeded(await checkpoint(box));
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  assertEquals(await piped(box, args, notified), WELL);
  assertStringIncludes(Deno.readTextFileSync(`/proc/${await box.pid()}/mountinfo`), " /run/notify ");
  await printsMore(box, 2);
  assertCounted(box);
});
