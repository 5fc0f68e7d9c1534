/** The executable itself: it works in poor surroundings, leaves nothing behind, and passes on what is the caller's. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { rootTest, RUNO, sandbox, succeeded } from "./harness.ts";
import { execute } from "./support/command.ts";

/** What the launcher adds for Deno. */
const OWN = /DENO|RUNO/;
/** In a traced call (its path is in the line where it begins): Deno tries its cache where nothing can be, or has it in a file system that no path leads to. */
const UNSEEN = /<\.\.\. \w+ resumed>|"\/dev\/|= -1 ENOTDIR|"\/proc\/self\/fd\/\d+\/|openat\(\d+, "v8_code_cache_v2"/;

rootTest("runo says its version on a read-only root, with no variables, no home, and a noexec TMPDIR", async () => {
  await using box = sandbox();
  const scratch = `${box.dir}/tmp`;
  Deno.mkdirSync(scratch);
  const script = `mount -t tmpfs -o noexec,size=4k tmpfs ${scratch} && mount -o remount,bind,ro / &&
    ! touch ${box.dir}/file 2> ${scratch}/refused && exec env -i TMPDIR=${scratch} "$0" --version`;
  const result = await execute(["unshare", "--mount", "sh", "-c", script, RUNO]);
  assertMatch(succeeded(result), /^runo version /);
});

rootTest("runo writes no file of its own accord", async () => {
  await using box = sandbox();
  await box.sleeping();
  const trace = `${box.dir}/trace`;
  const calls = "trace=open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,symlinkat";
  const command = ["strace", "-f", "-e", calls, "-o", trace, RUNO, "--root", box.root, "state", box.id];
  succeeded(await execute(command, { env: { HOME: box.dir, XDG_CACHE_HOME: `${box.dir}/cache`, TMPDIR: box.dir } }));
  const writes = Deno.readTextFileSync(trace).split("\n").filter((line) =>
    /O_WRONLY|O_RDWR|O_CREAT|creat|mkdir|rename|unlink|symlink/.test(line) && !UNSEEN.test(line)
  );
  assertEquals(writes, []);
});

rootTest("runo called as runc speaks as runc", async () => {
  await using box = sandbox();
  const runc = `${box.dir}/runc`;
  await Deno.symlink(RUNO, runc);
  assertMatch(succeeded(await execute([runc, "--version"])), /^runc version /);
});

rootTest("run() gives the container nothing of the launcher, in variables and descriptors", async () => {
  await using box = sandbox({
    "process.args": ["sh", "-c", "env; ls /proc/self/fd; ulimit -S -n"],
    "process.env": ["PATH=/bin"],
  });
  const { code, stdout, stderr } = await box.run(undefined, { before: "ulimit -S -n 345;" });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(stdout.split("\n").filter((line) => OWN.test(line)), []);
  // 3 is the directory that ls reads
  assertStringIncludes(stdout, "0\n1\n2\n3\n345\n");
});

rootTest("run() gives hooks the caller's environment, and nothing of the launcher", async () => {
  await using box = sandbox();
  const out = `${box.dir}/environment`;
  const hook = { path: "/bin/sh", args: ["sh", "-c", `cat /proc/self/environ > ${out}`] };
  const env = { PATH: Deno.env.get("PATH")!, DENO_DIR: "/somewhere", NODE_OPTIONS: "--x", RUST_LOG: "trace" };
  const result = await box.run({ "hooks.createRuntime": [hook] }, { clearEnv: true, env });
  assertEquals(result, { code: 0, stdout: "", stderr: "" });
  const entries = Deno.readTextFileSync(out).split("\0").filter((entry) =>
    /^(PATH|.*(DENO|RUNO|NODE|RUST).*)=/.test(entry)
  );
  assertEquals(entries.sort(), Object.entries(env).map(([name, value]) => `${name}=${value}`).sort());
});

rootTest("state() works in a directory that is gone", async () => {
  await using box = sandbox();
  await box.sleeping();
  Deno.mkdirSync(`${box.dir}/gone`);
  const before = `cd ${box.dir}/gone; rmdir ${box.dir}/gone;`;
  assertEquals(JSON.parse(succeeded(await box.runo(["state", box.id], { before }))).status, "running");
});

rootTest("runo has one line for an error, whatever the caller's variables say", async () => {
  await using box = sandbox();
  const env = { RUST_BACKTRACE: "full", DENO_LOG: "debug", NODE_DEBUG: "*", OTEL_DENO: "true" };
  const { code, stderr } = await box.runo(["state", "no-such-container"], { env });
  assertEquals([code, stderr.trimEnd().split("\n").length], [1, 1], stderr);
});
