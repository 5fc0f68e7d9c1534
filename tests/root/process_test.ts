import { assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, rootTest, sandbox, succeeded } from "./harness.ts";

rootTest("run() starts in process.cwd, and makes it when it is missing", async () => {
  await using box = sandbox();
  assertEquals(await box.shell("pwd", { "process.cwd": "/etc" }), "/etc\n");
  assertEquals(
    await box.shell("pwd; stat -c '%a %u' .", { "process.cwd": "/not/there/yet" }),
    "/not/there/yet\n755 0\n",
  );
  assertEquals(await box.shell("pwd", { "process.cwd": "/also/missing", "root.readonly": true }), "/also/missing\n");
  Deno.symlinkSync("/etc", `${box.rootfs}/link`);
  assertEquals(await box.shell("pwd -P", { "process.cwd": "/link" }), "/etc\n");
});

rootTest("run() refuses a cwd that is no directory, or that cannot be made", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "process.cwd": "/etc/passwd" }), "not a directory");
  assertStringIncludes(await box.refused({ "process.cwd": "relative" }), "/process/cwd");
  const readonly = `mount --bind ${box.rootfs} ${box.rootfs}; mount -o remount,bind,ro ${box.rootfs}`;
  assertStringIncludes(failed(await box.run({ "process.cwd": "/not/there" }, { mounts: readonly })), "EROFS");
});

rootTest("run() enters as root what the user may not reach, as long as root may", async () => {
  await using box = sandbox();
  Deno.mkdirSync(`${box.rootfs}/private/home`, { recursive: true });
  Deno.chmodSync(`${box.rootfs}/private`, 0o700);
  const user = { "process.user": { uid: 1000, gid: 1000 }, "process.cwd": "/private/home" };
  assertEquals(await box.shell("pwd; id -u", user), "/private/home\n1000\n");
});

rootTest("run() refuses a cwd that is a descriptor of the host", async () => {
  await using box = sandbox();
  for (let fd = 3; fd < 12; fd++) {
    const message = failed(await box.run({ "process.cwd": `/proc/self/fd/${fd}` }));
    const known = message.includes("current working directory is outside of container mount namespace root") ||
      message.includes("no such file or directory") || message.includes("ENOENT");
    assertEquals(known, true, message);
  }
  const inherited = failed(
    await box.run({ "process.cwd": "/proc/self/fd/3" }, { after: "3</", args: ["--preserve-fds", "1"] }),
  );
  assertStringIncludes(inherited, "current working directory is outside of container mount namespace root");
});

rootTest("run() gives the environment of the config and nothing else", async () => {
  await using box = sandbox();
  const env = ["PATH=/bin", "A=1", "B=two words", "A=2", "EMPTY=", "E=a=b", "HOME=/h"];
  const { stdout } = await box.run({ "process.args": ["env"], "process.env": env }, {
    env: { LEAK: "leaks", GOMAXPROCS: "1" },
  });
  assertEquals(
    stdout.trim().split("\n").sort(),
    ["A=2", "B=two words", "E=a=b", "EMPTY=", "HOME=/h", "PATH=/bin"].sort(),
  );
});

rootTest("run() finds HOME in the container's passwd", async () => {
  await using box = sandbox();
  const home = async (uid: number, env: readonly string[] = ["PATH=/bin"]) =>
    (await box.shell("echo $HOME", { "process.user": { uid, gid: 0 }, "process.env": env })).trim();
  assertEquals(await home(0), "/root");
  assertEquals(await home(1000), "/home/user");
  assertEquals(await home(4242), "/");
  assertEquals(await home(0, ["PATH=/bin", "HOME=/given"]), "/given");
  assertEquals(await home(0, ["PATH=/bin", "HOME="]), "/root");
  Deno.removeSync(`${box.rootfs}/etc/passwd`);
  assertEquals(await home(0), "/");
  Deno.symlinkSync("/proc/self/mem", `${box.rootfs}/etc/passwd`);
  assertEquals(await home(0), "/");
});

rootTest("run() takes no user name of passwd for a number", async () => {
  await using box = sandbox();
  box.file("etc/passwd", "root:x:0:0::/root:/bin/sh\n1000:x:0:0::/evil:/bin/sh\n");
  assertEquals(await box.shell("id -u", { "process.user": { uid: 1000, gid: 1000 } }), "1000\n");
});

rootTest("run() refuses variables without a name or a value", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "process.env": ["PATH=/bin", "NOVALUE"] }), "/process/env/1");
});

rootTest("run() looks args[0] up in the PATH of the container, when it is created", async () => {
  await using box = sandbox();
  box.file("opt/tool", "#!/bin/sh\necho tool $0\n");
  const env = (path: string) => ({ "process.env": [`PATH=${path}`] });
  const run = (changes: Record<string, unknown>) => box.run({ "process.args": ["tool"], ...changes });
  assertEquals(succeeded(await run(env("/nowhere:/opt:/bin"))), "tool /opt/tool\n");
  const missing = failed(await run(env("/nowhere:/bin")));
  assertStringIncludes(missing, 'exec: "tool": executable file not found in $PATH');
  assertStringIncludes(failed(await run({ "process.env": [] })), "executable file not found in $PATH");
  Deno.chmodSync(`${box.rootfs}/opt/tool`, 0o644);
  assertStringIncludes(failed(await run(env("/opt:/bin"))), "executable file not found in $PATH");
  Deno.mkdirSync(`${box.rootfs}/a/tool`, { recursive: true });
  assertStringIncludes(failed(await run(env("/a:/bin"))), "executable file not found in $PATH");
  const late = await box.runo(["create", "--bundle", box.bundle, box.id]);
  assertStringIncludes(failed(late), "executable file not found in $PATH");
  assertEquals(exists(box.stateDir), false);
});

rootTest("run() says why a path cannot be executed, in the words that callers tell exit codes by", async () => {
  await using box = sandbox();
  box.file("plain", "text\n");
  box.file("bad", "#!/no/interpreter\n");
  box.file("noise", "\u{1}\u{2}\u{3} no program\n");
  Deno.chmodSync(`${box.rootfs}/noise`, 0o755);
  const message = async (command: string) => failed(await box.run({ "process.args": [command] }));
  assertStringIncludes(await message("/not/there"), 'exec: "/not/there": stat /not/there: no such file or directory');
  assertStringIncludes(await message("/plain"), 'exec: "/plain": permission denied');
  assertStringIncludes(await message("/etc"), "is a directory");
  assertStringIncludes(await message("/plain/x"), "not a directory");
  assertStringIncludes(await message("./not-there"), "no such file or directory");
  for (const [command, reason] of [["/bad", "no such file or directory"], ["/noise", "exec format error"]] as const) {
    const { code, stderr } = await box.run({ "process.args": [command] });
    assertEquals([code, stderr.includes(reason)], [1, true], stderr);
  }
});

rootTest("run() takes args verbatim, a relative one from the cwd", async () => {
  await using box = sandbox();
  box.file("opt/show", '#!/bin/sh\nfor a in "$@"; do echo "<$a>"; done\n');
  const args = ["./show", "", "a b", "ü\n", "$HOME", "-x"];
  const printed = succeeded(await box.run({ "process.args": args, "process.cwd": "/opt" }));
  assertEquals(printed, "<>\n<a b>\n<ü\n>\n<$HOME>\n<-x>\n");
  assertStringIncludes(await box.refused({ "process.args": [] }), "/process/args");
});

rootTest("run() becomes the user with its groups", async () => {
  await using box = sandbox();
  const user = { uid: 1000, gid: 1001, additionalGids: [5, 20, 300] };
  const printed = await box.shell("grep -E '^(Uid|Gid|Groups)' /proc/self/status | tr -s '\\t ' ' '", {
    "process.user": user,
  });
  assertEquals(printed.trim().split("\n").map((line) => line.trim()), [
    "Uid: 1000 1000 1000 1000",
    "Gid: 1001 1001 1001 1001",
    "Groups: 5 20 300",
  ]);
  const none = await box.run({ "process.args": ["grep", "Groups", "/proc/self/status"] }, {
    through: "setpriv --groups 7,8",
  });
  assertEquals(succeeded(none).trim(), "Groups:");
});

rootTest("run() sets the umask, 022 unless the config says another", async () => {
  await using box = sandbox();
  assertEquals(await box.shell("umask; touch /tmp/a; stat -c %a /tmp/a"), "0022\n644\n");
  assertEquals(
    await box.shell("umask; touch /tmp/b; stat -c %a /tmp/b", { "process.user.umask": 0o77 }),
    "0077\n600\n",
  );
  const { stdout } = await box.run({ "process.args": ["sh", "-c", "umask"] }, { before: "umask 0007;" });
  assertEquals(stdout, "0022\n");
});

rootTest("run() gives stdio to the user, but for /dev/null", async () => {
  await using box = sandbox();
  const before = Deno.statSync("/dev/null").uid;
  const script = "stat -L -c %u /dev/stdin /dev/stdout && echo x >>/dev/stdout && echo y >>/dev/stderr";
  const { stdout, code } = await box.run({
    "process.args": ["sh", "-c", script],
    "process.user": { uid: 1000, gid: 1000 },
  });
  assertEquals([stdout, code], ["0\n1000\nx\n", 0]);
  assertEquals(Deno.statSync("/dev/null").uid, before);
});

rootTest("run() starts with default signals: none ignored, none blocked", async () => {
  await using box = sandbox();
  const printed = await box.shell("grep -E 'Sig(Blk|Ign)|SigCgt' /proc/self/status | tr -d '\\t'");
  assertEquals(printed.split("\n").slice(0, 2), ["SigBlk:0000000000000000", "SigIgn:0000000000000000"]);
});

rootTest("run() passes nothing but stdio on, and what --preserve-fds names", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", "ls /proc/self/fd; cat <&3"] });
  Deno.writeTextFileSync(`${box.dir}/three`, "three\n");
  const with3 = await box.run({}, {
    after: `3<${box.dir}/three 4<${box.dir}/three 9<${box.dir}/three`,
    args: ["--preserve-fds", "1"],
  });
  // ls has one more: the directory that it reads
  assertEquals(succeeded(with3), "0\n1\n2\n3\n4\nthree\n");
  const none = await box.run({ "process.args": ["sh", "-c", "ls /proc/self/fd"] }, {
    after: "3</etc/passwd 9</etc/passwd",
  });
  assertEquals(succeeded(none), "0\n1\n2\n3\n");
  const missing = await box.run({}, { args: ["--preserve-fds", "2"], after: "3</etc/passwd" });
  assertStringIncludes(failed(missing), "unable to stat preserved-fd");
});

rootTest("run() passes LISTEN_FDS on", async () => {
  await using box = sandbox({
    "process.args": ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3; ls /proc/self/fd | wc -l"],
  });
  Deno.writeTextFileSync(`${box.dir}/three`, "three\n");
  const result = await box.run({}, {
    env: { LISTEN_FDS: "1" },
    before: "LISTEN_PID=$$; export LISTEN_PID;",
    after: `3<${box.dir}/three`,
  });
  assertEquals(succeeded(result), "1 1\nthree\n5\n");
});
