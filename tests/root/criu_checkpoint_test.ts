import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, sandbox, succeeded, until } from "./harness.ts";
import {
  assertCounted,
  checkpoint,
  CONNECTED,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  restore,
  runo,
  tracksMemory,
} from "./support/criu.ts";

criuTest("checkpoint() refuses a container that is not running, with runc's words", async () => {
  await using box = sandbox({ "process.args": ["true"] });
  await box.create();
  assertStringIncludes(failed(await checkpoint(box)), "Container cannot be checkpointed in created state");
  await box.ok("start", box.id);
  await box.reaches("stopped");
  assertStringIncludes(failed(await checkpoint(box)), "Container cannot be checkpointed in stopped state");
  assert(!exists(imagesOf(box)), "no directory was made");
});

criuTest("checkpoint() of a paused container keeps it so when it is left", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  await box.ok("pause", box.id);
  succeeded(await checkpoint(box, "--leave-running"));
  assertEquals(await box.status(), "paused");
  await box.ok("resume", box.id);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("checkpoint() makes directories for root alone and keeps the log in the work directory", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const images = `${box.dir}/a/b/images`, work = `${box.dir}/work`;
  await box.ok("--criu", runo(box).at(-1)!, "checkpoint", "--image-path", images, "--work-path", work, box.id);
  for (const path of [images, work]) assertEquals(Deno.statSync(path).mode! & 0o777, 0o700, path);
  assert(exists(`${work}/dump.log`) && !exists(`${images}/dump.log`));
  assertEquals(JSON.parse(Deno.readTextFileSync(`${images}/descriptors.json`)).length, 3);
  assertEquals(Deno.statSync(`${images}/descriptors.json`).mode! & 0o777, 0o600);
});

criuTest("checkpoint() leaves the container running when it fails, and tells why on one line", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", CONNECTED] });
  succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
  await until(
    () => exists(`${box.rootfs}/tmp/echo`) && Deno.readTextFileSync(`${box.rootfs}/tmp/echo`) !== "",
    "the connection",
  );
  const message = failed(await checkpoint(box));
  assertStringIncludes(message, "criu failed: type DUMP errno");
  assertStringIncludes(message, "Connected TCP socket");
  assertStringIncludes(message, "--tcp-established");
  assertStringIncludes(message, `log: ${imagesOf(box)}/dump.log`);
  assertEquals(await box.status(), "running");
  succeeded(await checkpoint(box, "--tcp-established"));
  assertEquals(await restore(box, "--tcp-established"), { code: 0, stdout: "", stderr: "" });
  assertEquals(await box.status(), "running");
  assertStringIncludes(await box.ok("exec", box.id, "netstat", "-tn"), "ESTABLISHED");
});

criuTest("checkpoint() says what --pre-dump and --parent-path lack", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  if (!tracksMemory()) {
    assertStringIncludes(failed(await checkpoint(box, "--pre-dump")), "criu is missing features: [MemTrack]");
  }
  assertStringIncludes(failed(await checkpoint(box, "--parent-path", "/abs")), "--parent-path must be relative");
  assertStringIncludes(failed(await checkpoint(box, "--parent-path", "../none")), "invalid --parent-path");
  Deno.writeTextFileSync(`${box.dir}/file`, "");
  assertStringIncludes(failed(await checkpoint(box, "--parent-path", "../file")), "ENOTDIR");
  assertEquals(await box.status(), "running");
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("checkpoint() allows file locks and unlinked files when it is told to", async () => {
  const script = "exec 8>/tmp/unlinked; rm /tmp/unlinked; /usr/bin/flock /tmp/lock sleep 1000 & echo up; wait";
  // busybox cannot lock: the host's programs and libraries, bound
  await using box = sandbox({
    "process.args": ["sh", "-c", script],
    "mounts.7": { destination: "/usr", source: "/usr", type: "bind", options: ["rbind", "ro"] },
  });
  for (const name of ["lib", "lib64"]) Deno.symlinkSync(`usr/${name}`, `${box.rootfs}/${name}`);
  succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
  const isLocked = async () =>
    (await box.ok("exec", box.id, "sh", "-c", "/usr/bin/flock -n /tmp/lock true || echo locked")) === "locked\n";
  await until(isLocked, "the lock");
  assertStringIncludes(failed(await checkpoint(box)), "--file-locks");
  succeeded(await checkpoint(box, "--file-locks", "--link-remap"));
  assertEquals(await restore(box, "--file-locks"), { code: 0, stdout: "", stderr: "" });
  assert(await isLocked(), "the lock is held again");
  await box.ok("delete", "--force", box.id);
});

criuTest("checkpoint() and restore() hand CRIU the configuration file of the annotation", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  const file = `${box.dir}/criu.conf`;
  Deno.writeTextFileSync(file, "log-file=own.log\n");
  for (const [annotation, log] of [[file, "own.log"], ["", undefined]] as const) {
    box.configure({ "process.args": COUNTING, annotations: { "org.criu.config": annotation } });
    await counting(box);
    Deno.mkdirSync(`${box.dir}/w1`), Deno.mkdirSync(`${box.dir}/w2`);
    succeeded(await checkpoint(box, "--work-path", `${box.dir}/w1`));
    succeeded(await restore(box, "--work-path", `${box.dir}/w2`));
    assert(exists(`${box.dir}/w1/${log ?? "dump.log"}`), `dump with ${annotation}`);
    assert(exists(`${box.dir}/w2/${log ?? "restore.log"}`), `restore with ${annotation}`);
    await box.ok("delete", "--force", box.id);
    for (const work of ["w1", "w2"]) Deno.removeSync(`${box.dir}/${work}`, { recursive: true });
    Deno.removeSync(`${box.dir}/piped-out`);
  }
});

criuTest(
  "checkpoint() lets the configuration file allow what no flag did, and finds the log that it names",
  async () => {
    await using box = sandbox();
    const file = `${box.dir}/criu.conf`;
    box.configure({ "process.args": ["sh", "-c", CONNECTED], annotations: { "org.criu.config": file } });
    succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
    await until(
      () => exists(`${box.rootfs}/tmp/echo`) && Deno.readTextFileSync(`${box.rootfs}/tmp/echo`) !== "",
      "the connection",
    );
    Deno.writeTextFileSync(file, "log-file=own.log\n");
    const message = failed(await checkpoint(box));
    assertStringIncludes(message, "Connected TCP socket");
    assertStringIncludes(message, "/own.log");
    Deno.writeTextFileSync(file, "tcp-established\n");
    succeeded(await checkpoint(box));
  },
);

criuTest("checkpoint --debug lists what CRIU is told", async () => {
  await using box = sandbox();
  const bind = { destination: "/bound", source: box.dir, type: "bind", options: ["bind", "ro"] };
  box.configure({ "process.args": COUNTING, "mounts.7": bind });
  await counting(box);
  const { stderr, code } = await box.runo([
    "--debug",
    ...runo(box).slice(3),
    "checkpoint",
    "--image-path",
    imagesOf(box),
    box.id,
  ]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "/bound");
  assertStringIncludes(stderr, "notify: post-dump");
  assert(!stderr.includes("CRIU 0"), "the version is known");
  box.configure({ "process.args": COUNTING, "mounts.7": bind });
  succeeded(await restore(box));
  assertStringIncludes(await box.ok("exec", box.id, "ls", "/bound"), "bundle");
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("checkpoint() refuses bad values before anything is done", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const table = [
    [["--page-server", "host"], "Use --page-server ADDRESS:PORT to specify page server"],
    [["--page-server", "host:port"], "Invalid port number"],
    [["--manage-cgroups-mode", "x"], "invalid manage-cgroups-mode value"],
    [["--empty-ns", "x"], 'namespace "x" is not supported'],
    [["--lazy-pages", "--status-fd", "99"], "invalid --status-fd argument 99"],
  ] as const;
  for (const [flags, words] of table) assertStringIncludes(failed(await checkpoint(box, ...flags)), words);
  assertEquals(await box.status(), "running");
});
