import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { exists, failed, rootTest, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import { hostTerminal, readAll, readUntil, Receiver, resize, type } from "./support/terminal.ts";

const TERMINAL = { "process.terminal": true };

/** Creates and starts a container with a terminal. @returns all that it prints */
async function printed(box: Sandbox, script: string, changes = {}): Promise<string> {
  using receiver = new Receiver(`${box.dir}/console`);
  box.configure({ "process.args": ["sh", "-c", script], ...TERMINAL, ...changes });
  succeeded(await box.runo(["create", "--bundle", box.bundle, "--console-socket", receiver.path, box.id]));
  using terminal = receiver.accept().fd;
  await box.ok("start", box.id);
  const text = readAll(terminal);
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  Deno.removeSync(receiver.path);
  return text.replaceAll("\r\n", "\n");
}

rootTest("create() gives init a terminal as stdio, controlling terminal and /dev/console", async () => {
  await using box = sandbox();
  const script = "tty; test -t 0 && test -t 1 && test -t 2 && echo all three; echo yes >/dev/tty; " +
    "stat -c %t:%T /dev/console; cut -d' ' -f7 /proc/self/stat; readlink /proc/self/fd/0";
  // device 136:0 as stat(1) and as proc_pid_stat(5) write it
  assertEquals(await printed(box, script), "/dev/pts/0\nall three\nyes\n88:0\n34816\n/dev/pts/0\n");
});

rootTest("create() sets the size of the terminal before it is sent", async () => {
  await using box = sandbox();
  assertEquals(await printed(box, "stty size", { "process.consoleSize": { height: 10, width: 110 } }), "10 110\n");
  // busybox' words for a terminal without a size
  const none = "stty: standard input\n";
  assertEquals(await printed(box, "stty size", { "process.consoleSize": { height: 10, width: 0 } }), none);
  assertEquals(await printed(box, "stty size"), none);
  assertEquals(
    await printed(box, "stty size", { "process.consoleSize": { height: 29999, width: 20001 } }),
    "29999 20001\n",
  );
});

rootTest("create() gives the terminal to the user", async () => {
  await using box = sandbox();
  const user = { "process.user": { uid: 1000, gid: 1000 } };
  assertEquals(await printed(box, "stat -c %u $(tty); echo x >/dev/stdout && echo y >/dev/tty", user), "1000\nx\ny\n");
});

rootTest("create() ignores consoleSize without a terminal", async () => {
  await using box = sandbox({ "process.consoleSize": { height: 10, width: 110 } });
  assertEquals(await box.shell("tty || true"), "not a tty\n");
});

rootTest("create() sends the master itself, and what is typed arrives", async () => {
  await using box = sandbox({ ...TERMINAL, "process.args": ["sh", "-c", "read line; echo got $line"] });
  using receiver = new Receiver(`${box.dir}/console`);
  await box.ok("run", "--detach", "--bundle", box.bundle, "--console-socket", receiver.path, box.id);
  const { name, fd } = receiver.accept();
  using terminal = fd;
  assertMatch(name, /^\/dev\/pt(mx|s\/\d+)$/);
  type(terminal, "hello\n");
  assertStringIncludes(readUntil(terminal, "got hello"), "got hello");
});

rootTest("create() and run() refuse a terminal that nobody takes, and a socket that nobody needs", async () => {
  await using box = sandbox(TERMINAL);
  const detached = "cannot allocate tty if runc will detach without setting console socket";
  assertStringIncludes(await box.fails(["create", "--bundle", box.bundle, box.id]), detached);
  assertStringIncludes(await box.fails(["run", "--detach", "--bundle", box.bundle, box.id]), detached);
  const unused = "cannot use console socket if runc will not detach or allocate tty";
  assertStringIncludes(await box.fails(["run", "--bundle", box.bundle, "--console-socket", "x", box.id]), unused);
  box.configure({ "process.terminal": false });
  assertStringIncludes(await box.fails(["create", "--bundle", box.bundle, "--console-socket", "x", box.id]), unused);
  assertEquals(exists(box.stateDir), false);
});

rootTest("create() leaves nothing behind when nobody listens on the console socket", async () => {
  await using box = sandbox(TERMINAL);
  const message = await box.fails(["create", "--bundle", box.bundle, "--console-socket", `${box.dir}/nobody`, box.id]);
  assertStringIncludes(message, "console socket");
  assertEquals(box.leftovers(), []);
});

rootTest("create() takes a path of a console socket of any length", async () => {
  await using box = sandbox({ ...TERMINAL, "process.args": ["echo", "far away"] });
  using receiver = new Receiver(`${box.dir}/s`);
  const deep = `${box.dir}/${"long-directory-name/".repeat(8)}`;
  Deno.mkdirSync(deep, { recursive: true });
  Deno.linkSync(receiver.path, `${deep}s`);
  await box.ok("run", "--detach", "--bundle", box.bundle, "--console-socket", `${deep}s`, box.id);
  using terminal = receiver.accept().fd;
  assertStringIncludes(readAll(terminal), "far away");
});

rootTest("create() sends a pidfd of init to the pidfd socket", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  using receiver = new Receiver(`${box.dir}/pidfd`);
  const pid = await box.create(undefined, "--pidfd-socket", receiver.path);
  using pidfd = receiver.accept().fd;
  const info = Deno.readTextFileSync(`/proc/self/fdinfo/${pidfd.number}`);
  assertEquals(Number(/^Pid:\s*(\d+)$/m.exec(info)?.[1]), pid);
});

/** Runs `run` or `exec` in the foreground on a terminal of the host. */
function onTerminal(box: Sandbox, args: readonly string[], rows = 24, columns = 80) {
  const { master, path } = hostTerminal(rows, columns);
  const running = box.start(args, {
    through: `setsid -w -c sh -c 'exec "$0" "$@" <${path} >${path} 2>${path}'`,
    after: `<${path}`,
  });
  return { master, running };
}

rootTest("run() on a terminal copies both ways, with the size of the caller's", async () => {
  await using box = sandbox({ ...TERMINAL, "process.args": ["sh", "-c", "stty size; read a; echo got $a; exit 7"] });
  const { master, running } = onTerminal(box, ["run", "--bundle", box.bundle, box.id], 33, 99);
  using terminal = master;
  readUntil(terminal, "33 99");
  type(terminal, "typed\r");
  readUntil(terminal, "got typed");
  assertEquals((await running.result).code, 7);
});

rootTest("run() on a terminal follows its size", async () => {
  await using box = sandbox({
    ...TERMINAL,
    "process.args": ["sh", "-c", "trap 'stty size; exit 0' WINCH; echo ready; while true; do sleep 0.05; done"],
  });
  const { master, running } = onTerminal(box, ["run", "--bundle", box.bundle, box.id]);
  using terminal = master;
  readUntil(terminal, "ready");
  resize(terminal, 44, 111);
  readUntil(terminal, "44 111");
  assertEquals((await running.result).code, 0);
});

rootTest("run() on a terminal lets the container have ^C, and restores the terminal", async () => {
  await using box = sandbox({
    ...TERMINAL,
    "process.args": ["sh", "-c", "trap 'echo interrupted; exit 3' INT; echo ready; while true; do sleep 0.05; done"],
  });
  const { master, running } = onTerminal(box, ["run", "--bundle", box.bundle, box.id]);
  using terminal = master;
  const settings = async () =>
    new TextDecoder().decode((await new Deno.Command("stty", { args: ["-F", path(terminal), "-a"] }).output()).stdout);
  readUntil(terminal, "ready");
  assertStringIncludes(await settings(), "-icanon");
  type(terminal, "\x03");
  readUntil(terminal, "interrupted");
  assertEquals((await running.result).code, 3);
  const after = await settings();
  assertEquals([after.includes(" icanon"), after.includes(" echo ")], [true, true], after);
});

/** The other end of a master. */
function path(master: { number: number }): string {
  const info = Deno.readTextFileSync(`/proc/self/fdinfo/${master.number}`);
  return `/dev/pts/${/tty-index:\s*(\d+)/.exec(info)?.[1]}`;
}

rootTest("run() with a terminal works with stdio that is none", async () => {
  await using box = sandbox({ ...TERMINAL, "process.args": ["sh", "-c", "tty; echo out; exit 5"] });
  const { code, stdout } = await box.run();
  assertEquals([code, stdout.replaceAll("\r", "")], [5, "/dev/pts/0\nout\n"]);
  const piped = await box.run({ "process.args": ["sh", "-c", "read a; echo got $a"] }, { stdin: "from a file\n" });
  assertEquals(piped.code, 0);
  assertStringIncludes(piped.stdout, "got from a file");
});

rootTest("run() writes out all that was printed before the end", async () => {
  await using box = sandbox({ ...TERMINAL, "process.args": ["sh", "-c", "seq 20000; echo the end"] });
  const { stdout } = await box.run();
  const lines = stdout.replaceAll("\r", "").trim().split("\n");
  assertEquals([lines.length, lines[0], lines.at(-2), lines.at(-1)], [20001, "1", "20000", "the end"]);
});

rootTest("exec --tty has a terminal of its own, with the size of the process file", async () => {
  await using box = sandbox();
  await box.sleeping();
  using receiver = new Receiver(`${box.dir}/console`);
  const process = {
    terminal: true,
    consoleSize: { height: 10, width: 110 },
    user: { uid: 0, gid: 0 },
    args: ["/bin/sh", "-c", "tty; stty size; echo x >/dev/tty"],
    cwd: "/",
    env: ["PATH=/bin"],
  };
  Deno.writeTextFileSync(`${box.dir}/process.json`, JSON.stringify(process));
  await box.ok("exec", "--detach", "--process", `${box.dir}/process.json`, "--console-socket", receiver.path, box.id);
  using terminal = receiver.accept().fd;
  assertEquals(readAll(terminal).replaceAll("\r", ""), "/dev/pts/0\n10 110\nx\n");
});

rootTest("exec --tty in the foreground works on a terminal and without", async () => {
  await using box = sandbox();
  await box.sleeping();
  const { master, running } = onTerminal(
    box,
    ["exec", "--tty", box.id, "sh", "-c", "stty size; read a; echo got $a; exit 9"],
    21,
    87,
  );
  using terminal = master;
  readUntil(terminal, "21 87");
  type(terminal, "it\r");
  readUntil(terminal, "got it");
  assertEquals((await running.result).code, 9);
  const { code, stdout } = await box.runo(["exec", "--tty", box.id, "tty"]);
  assertEquals([code, stdout.trim()], [0, "/dev/pts/0"]);
});

rootTest("exec --detach --tty loses no byte of processes that end at once", async () => {
  await using box = sandbox();
  await box.sleeping();
  for (let i = 0; i < 20; i++) {
    using receiver = new Receiver(`${box.dir}/console${i}`);
    await box.ok("exec", "--detach", "--tty", "--console-socket", receiver.path, box.id, "echo", `line ${i}`);
    using terminal = receiver.accept().fd;
    assertEquals(readAll(terminal), `line ${i}\r\n`);
  }
});

rootTest("run() binds the terminal by descriptor, whatever the image has at /dev/pts", async () => {
  await using box = sandbox();
  box.file("fake/0", "not a terminal\n");
  Deno.symlinkSync("/proc/sys/kernel/core_pattern", `${box.rootfs}/fake/ptmx`);
  const mounts = [
    { destination: "/proc", type: "proc" },
    { destination: "/dev", type: "tmpfs", options: ["mode=755"] },
    { destination: "/dev/pts", source: `${box.rootfs}/fake`, options: ["bind"] },
  ];
  const message = failed(await box.run({ ...TERMINAL, mounts, "linux.maskedPaths": [] }));
  assertStringIncludes(message, "pseudo terminal");
});

rootTest("run() ends with its container when the caller's output is gone", async () => {
  await using box = sandbox({ ...TERMINAL, "process.args": ["sh", "-c", "seq 100000; echo end >/tmp/end"] });
  const { stdout } = await box.run({}, { through: `sh -c '"$0" "$@" | head -n 1'` });
  assertEquals(stdout.trim(), "1");
  await until(() => box.leftovers().length === 0, "the end of the container");
  assertEquals(Deno.readTextFileSync(`${box.rootfs}/tmp/end`), "end\n");
});
