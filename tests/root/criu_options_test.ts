/** The options of checkpoint and restore that other files have no test of, one by one. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { exists, failed, namespaces, sandbox, succeeded, until } from "./harness.ts";
import { execute, start } from "./support/command.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  CRIU,
  criuTest,
  freePort,
  imagesOf,
  LISTENING,
  piped,
  printsMore,
  restore,
  runo,
  WITH_CRIU,
} from "./support/criu.ts";
import { TestUser } from "./support/users.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

const UNTESTED = "runc checkpoint is untested with rootless containers";

criuTest("checkpoint() and restore() warn an ordinary user, and root of a user namespace", async () => {
  await using user = await TestUser.make();
  await using box = sandbox();
  await box.sleeping();
  for (const command of ["checkpoint", `restore --bundle ${box.bundle}`]) {
    const { code, stderr } = await user.sh(`runo ${command} none`);
    assertEquals(code, 1);
    assertStringIncludes(stderr.split("\n")[0]!, UNTESTED);
    const mapped = await box.runo([...command.split(" "), "none"], { through: "unshare --user --map-root-user" });
    assertStringIncludes(mapped.stderr.split("\n")[0]!, UNTESTED);
    const { stderr: roots } = await box.runo([...command.split(" "), "none"]);
    assertEquals(roots.includes(UNTESTED), false, roots);
  }
});

criuTest('the images are in "checkpoint" unless told otherwise, with the log', async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  assertEquals(await box.runo([...WITH_CRIU, "checkpoint", box.id]), WELL);
  for (const name of ["inventory.img", "descriptors.json", "dump.log"]) assert(exists(`${box.dir}/checkpoint/${name}`));
  assertMatch(Deno.readTextFileSync(`${box.dir}/checkpoint/dump.log`), /\) pie: |\) Dumping/);
  assertEquals(await piped(box, ["restore", "--detach", "--bundle", box.bundle, box.id]), WELL);
  assert(exists(`${box.dir}/checkpoint/restore.log`));
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("checkpoint() --leave-running and the end of the container after it", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  assertEquals(await checkpoint(box, "--leave-running"), WELL);
  assert(exists(`${box.stateDir}/checkpoint`), "the mark of a checkpoint, as runc leaves it");
  await printsMore(box, 2);
  assertCounted(box);
  await box.ok("kill", box.id, "KILL");
  await box.reaches("stopped");
  await box.ok("delete", box.id);
});

criuTest("checkpoint() and restore() --empty-ns network give an empty network with a loopback device", async () => {
  for (const flags of [[], ["--empty-ns", "network"]]) {
    await using box = sandbox({ "process.args": COUNTING });
    await counting(box);
    assertEquals(await checkpoint(box, ...flags), WELL);
    assertEquals(await restore(box, ...flags), WELL);
    const script =
      `ls /sys/class/net; ifconfig lo; nc -l -p 7000 -e cat & ${LISTENING}; echo there | nc 127.0.0.1 7000`;
    const text = await box.ok("exec", box.id, "sh", "-c", script);
    assertMatch(text, /^lo\n/);
    assertMatch(text, /UP LOOPBACK RUNNING/);
    assertStringIncludes(text, "there\n");
    await printsMore(box, 2);
    assertCounted(box);
  }
});

criuTest("checkpoint and restore --debug list the mounts from outside, and no others", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.dir}/shared`);
  box.configure({
    "process.args": COUNTING,
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount"),
    "mounts.7": { destination: "/bound", source: `${box.dir}/shared`, type: "bind", options: ["bind"] },
    "mounts.8": { destination: "/other", source: "tmpfs", type: "tmpfs" },
  });
  await counting(box);
  const [executable, ...globals] = runo(box);
  const debug = [executable!, "--debug", ...globals];
  const dumped = await execute([...debug, "checkpoint", "--image-path", imagesOf(box), box.id]);
  assertEquals(dumped.code, 0, dumped.stderr);
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  const restored = await piped(box, args, debug);
  assertEquals(restored.code, 0, restored.stderr);
  const [before, after] = [dumped, restored].map(({ stderr }) => externalMounts(stderr));
  assertEquals(before!.get("/bound"), "/bound");
  assertEquals(after!.get("/bound"), `${box.dir}/shared`);
  for (const mounts of [before!, after!]) {
    for (const other of ["/proc", "/sys", "/other", "/dev/pts"]) assert(!mounts.has(other), other);
  }
  // of v1 each hierarchy is a mount from outside, of v2 the one mount is CRIU's to make
  const hierarchies = Object.keys(box.stateFile().cgroup_paths).filter((name) => name !== "");
  for (const name of hierarchies) {
    const place = `/sys/fs/cgroup/${name.replace("name=", "")}`;
    assertEquals([before!.get(place), after!.get(place)], [place, box.stateFile().cgroup_paths[name]]);
  }
  await printsMore(box, 2);
  assertCounted(box);
});

/** The external mounts that `--debug` tells of: place and source. */
function externalMounts(stderr: string): Map<string, string> {
  const line = stderr.split("\n").find((text) => text.includes("CRIU option ExtMnt ")) ?? "";
  return new Map([...line.matchAll(/key:\\"(.*?)\\" val:\\"(.*?)\\"/g)].map(([, key, value]) => [key!, value!]));
}

criuTest("checkpoint() --link-remap keeps a file that has been unlinked and has another name", async () => {
  const script = "echo kept >/tmp/one; ln /tmp/one /tmp/two; exec 8</tmp/one; rm /tmp/one;";
  await using box = sandbox({ "process.args": ["sh", "-c", `${script} ${COUNTING.at(-1)}`] });
  await counting(box);
  assertStringIncludes(failed(await checkpoint(box)), "--link-remap");
  assertEquals(await checkpoint(box, "--link-remap"), WELL);
  assertEquals(await restore(box), WELL);
  await printsMore(box, 2);
  assertCounted(box);
  assertEquals(await box.ok("exec", box.id, "sh", "-c", "cat /proc/1/fd/8; ls /tmp"), "kept\ntwo\n");
});

criuTest("checkpoint() and restore() take each --manage-cgroups-mode, paused or not, and keep the limits", async () => {
  for (const mode of ["soft", "full", "strict", "ignore"]) {
    for (const paused of [false, true]) {
      await using box = sandbox({ "process.args": COUNTING, "linux.resources.pids": { limit: 77 } });
      await counting(box);
      if (paused) await box.ok("pause", box.id);
      const what = `${mode}, ${paused ? "paused" : "running"}`;
      assertEquals(await checkpoint(box, "--manage-cgroups-mode", mode), WELL, what);
      assertEquals(await restore(box, "--manage-cgroups-mode", mode), WELL, what);
      await printsMore(box, 2);
      assertCounted(box);
      const { "": unified, pids = unified } = box.stateFile().cgroup_paths;
      assertEquals(Deno.readTextFileSync(`${pids}/pids.max`), "77\n", what);
      assertStringIncludes(Deno.readTextFileSync(`/proc/${await box.pid()}/cgroup`), `:${box.cgroup}\n`);
      assertEquals(await box.status(), "running", what);
    }
  }
});

criuTest("restore() --manage-cgroups-mode full refuses to freeze itself with what was frozen", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  assertEquals(await checkpoint(box), WELL);
  const path = `${imagesOf(box)}/cgroup.img`;
  // as another runtime leaves it that dumps a paused container
  const image = Deno.readFileSync(path), at = new TextDecoder("latin1").decode(image).indexOf("THAWED");
  image.set(new TextEncoder().encode("FROZEN"), at);
  Deno.writeFileSync(path, image);
  const { code, stderr } = await restore(box, "--manage-cgroups-mode", "full");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "the checkpoint is of a frozen cgroup");
  assertStringIncludes(stderr, "--manage-cgroups-mode soft");
  assertEquals(box.leftovers(), []);
  assertEquals(await restore(box, "--manage-cgroups-mode", "soft"), WELL);
  await printsMore(box, 2);
  assertCounted(box);
}, !exists("/sys/fs/cgroup/freezer") && "it needs the freezer of cgroup v1");

criuTest("checkpoint() --page-server sends the memory elsewhere", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const port = freePort(), pages = `${box.dir}/pages`;
  Deno.mkdirSync(pages);
  const server = start([CRIU, "page-server", "-D", pages, "--address", "127.0.0.1", "--port", `${port}`]);
  await until(() => listens(port), "the page server");
  assertEquals(await checkpoint(box, "--page-server", `127.0.0.1:${port}`), WELL);
  assertEquals((await server.result).code, 0);
  const names = (dir: string) =>
    [...Deno.readDirSync(dir)].map(({ name }) => name).filter((name) => /^page/.test(name));
  assertEquals(names(imagesOf(box)), []);
  assert(names(pages).some((name) => name.startsWith("pages-")));
  for (const name of names(pages)) Deno.copyFileSync(`${pages}/${name}`, `${imagesOf(box)}/${name}`);
  assertEquals(await restore(box), WELL);
  await printsMore(box, 2);
  assertCounted(box);
});

/** Whether somebody listens on a port of IPv4; asking by connect(2) would be taken for the one client. */
function listens(port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").some((line) => line.includes(local) && / 0A /.test(line));
}

criuTest("restore() --auto-dedup takes out of the images what has been restored", async () => {
  const program = `b=$(head -c 786432 /dev/zero | base64 -w 0); ${COUNTING.at(-1)}`;
  await using box = sandbox({ "process.args": ["sh", "-c", program] });
  await counting(box);
  assertEquals(await checkpoint(box, "--auto-dedup"), WELL);
  const blocks = () => Deno.statSync(`${imagesOf(box)}/pages-1.img`).blocks!;
  const before = blocks();
  assertEquals(await restore(box, "--auto-dedup"), WELL);
  assert(blocks() < before / 2, `${before} blocks, and then ${blocks()}`);
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("checkpoint() tells of processes from exec, which are no children of init", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await piped(box, ["exec", "--detach", "--pid-file", `${box.dir}/exec`, box.id, "sleep", "1000"]));
  const pid = Deno.readTextFileSync(`${box.dir}/exec`);
  assertEquals(await checkpoint(box, "--leave-running"), WELL);
  const { code, stderr } = await checkpoint(box);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, `processes ${pid} are no children of init and will not be restored`);
  assertEquals(await restore(box), WELL);
  assert(!(await box.ok("ps", box.id)).includes("sleep 1000"));
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("restore() takes --no-pivot and --no-subreaper", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  assertEquals(await checkpoint(box), WELL);
  assertEquals(await restore(box, "--no-pivot", "--no-subreaper"), WELL);
  await printsMore(box, 2);
  assertCounted(box);
});
