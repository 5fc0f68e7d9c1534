import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, sandbox, succeeded, until } from "./harness.ts";
import { checkpoint, criuTest, imagesOf, WITH_CRIU } from "./support/criu.ts";
import { hostTerminal, readUntil, Receiver, type } from "./support/terminal.ts";

criuTest("checkpoint() and restore() ten times keep a terminal, handed to the console socket each time", async () => {
  const loop = 'n=0; while read line; do n=$((n+1)); echo "<$n $line>"; done';
  await using box = sandbox({ "process.terminal": true, "process.args": ["sh", "-c", loop] });
  using receiver = new Receiver(`${box.dir}/console`);
  const console = ["--console-socket", receiver.path];
  succeeded(await box.runo(["run", "--detach", "--bundle", box.bundle, ...console, box.id]));
  let terminal = receiver.accept().fd;
  const says = (word: string, count: number) => {
    type(terminal, `${word}\n`);
    assertStringIncludes(readUntil(terminal, `<${count} ${word}>`), `<${count} ${word}>`);
  };
  says("before", 1);
  for (let round = 0; round < 10; round++) {
    succeeded(await checkpoint(box), `checkpoint ${round}`);
    terminal[Symbol.dispose]();
    const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), ...console, box.id];
    succeeded(await box.runo([...WITH_CRIU, ...args]), `restore ${round}`);
    terminal = receiver.accept().fd;
    says(`round${round}`, round + 2);
  }
  assertEquals(await box.ok("exec", box.id, "cat", "/proc/1/comm"), "sh\n");
  terminal[Symbol.dispose]();
  await box.ok("delete", "--force", box.id);
});

criuTest("restore() without a console socket refuses a terminal that nobody would have", async () => {
  await using box = sandbox({ "process.terminal": true, "process.args": ["sleep", "100"] });
  using receiver = new Receiver(`${box.dir}/console`);
  await box.ok("run", "--detach", "--bundle", box.bundle, "--console-socket", receiver.path, box.id);
  using _terminal = receiver.accept().fd;
  succeeded(await checkpoint(box));
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  const message = await box.fails([...WITH_CRIU, ...args]);
  assertStringIncludes(message, "cannot allocate tty if runc will detach without setting console socket");
  assert(!exists(box.stateDir), "nothing is left");
});

criuTest("restore() in the foreground copies between the caller's terminal and the container's", async () => {
  const loop = 'while read line; do echo "<$line>"; test $line != end || exit 9; done';
  await using box = sandbox({ "process.terminal": true, "process.args": ["sh", "-c", loop] });
  using receiver = new Receiver(`${box.dir}/console`);
  await box.ok("run", "--detach", "--bundle", box.bundle, "--console-socket", receiver.path, box.id);
  using before = receiver.accept().fd;
  succeeded(await checkpoint(box));
  before[Symbol.dispose]();
  const args = [...WITH_CRIU, "restore", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  const { master, path } = hostTerminal(20, 70);
  using terminal = master;
  const through = `setsid -w -c sh -c 'exec "$0" "$@" <${path} >${path} 2>${path}'`;
  const restoring = box.start(args, { through, after: `<${path}` });
  await until(() => exists(`${box.stateDir}/state.json`), "the state");
  await box.reaches("running");
  type(terminal, "typed\r");
  assertStringIncludes(readUntil(terminal, "<typed>"), "<typed>");
  type(terminal, "end\r");
  readUntil(terminal, "<end>");
  assertEquals((await restoring.result).code, 9);
  assert(!exists(box.stateDir), "the container is gone");
});

criuTest("checkpoint() --shell-job allows a terminal from outside", async () => {
  await using box = sandbox({ "process.args": ["sh", "-c", 'while read line; do echo "<$line>"; done'] });
  const { master, path } = hostTerminal(20, 70);
  using terminal = master;
  const through = `setsid -w -c sh -c 'exec "$0" "$@" <${path} >${path} 2>${path}'`;
  const run = ["run", "--detach", "--bundle", box.bundle, box.id];
  succeeded(await box.runo(run, { through, after: `<${path}` }));
  type(terminal, "typed\n");
  readUntil(terminal, "<typed>");
  assertStringIncludes(failed(await checkpoint(box)), "a terminal outside of the container: --shell-job");
  type(terminal, "more\n");
  readUntil(terminal, "<more>");
  assertEquals(await checkpoint(box, "--shell-job"), { code: 0, stdout: "", stderr: "" });
});
