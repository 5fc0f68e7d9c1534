import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, failed, sandbox, sleep, succeeded, until } from "./harness.ts";
import { execute, start } from "./support/command.ts";
import {
  checkpoint,
  COUNTING,
  counting,
  CRIU,
  criuTest,
  freePort,
  imagesOf,
  piped,
  printedLines,
  printsMore,
  WITH_CRIU,
} from "./support/criu.ts";

/** Three megabytes in the memory of the shell, and their checksum again and again. */
const REMEMBERING = 'v=$(seq 1 400000); while :; do echo "$v" | md5sum; sleep 0.1; done';

const PIPE_SIZE = "/proc/sys/fs/pipe-max-size";

/**
 * CRIU wants pipes of 4 MB, which not every root may have beyond the machine's limit. Another run of the tests must not put
 * that back while this one needs it.
 */
function largePipes(): Disposable {
  const lock = Deno.openSync("/tmp/runo-test-pipe-size.lock", { create: true, write: true });
  lock.lockSync(true);
  const before = Deno.readTextFileSync(PIPE_SIZE).trim();
  if (Number(before) < 4194304) Deno.writeTextFileSync(PIPE_SIZE, "4194304");
  return {
    [Symbol.dispose]: () => {
      Deno.writeTextFileSync(PIPE_SIZE, before);
      lock.close();
    },
  };
}

criuTest("checkpoint() and restore() --lazy-pages move a container page by page while it runs", async () => {
  using _pipes = largePipes();
  for (const status of ["path", "descriptor"] as const) {
    await using box = sandbox({ "process.args": ["sh", "-c", REMEMBERING] });
    succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
    await printsMore(box, 2);
    const expected = printedLines(box)[0]!;
    const port = freePort(), images = imagesOf(box), work = `${box.dir}/work`, fifo = `${box.dir}/status`;
    succeeded(await execute(["mkfifo", fifo]));
    const page = ["--lazy-pages", "--page-server", `127.0.0.1:${port}`, "--status-fd", status === "path" ? fifo : "3"];
    const source = box.start(
      [
        ...WITH_CRIU,
        "checkpoint",
        "--image-path",
        images,
        "--work-path",
        work,
        "--manage-cgroups-mode",
        "ignore",
        ...page,
        box.id,
      ],
      status === "path" ? {} : { after: `3>${fifo}` },
    );
    let ended = false;
    source.result.finally(() => ended = true);
    const ready = await execute(["od", "-An", "-tx1", fifo]);
    assertEquals(ready.stdout.trim(), "00", "one NUL byte, and the end of the file");
    await sleep(200);
    assert(!ended, "the checkpoint waits until its pages are fetched");
    Deno.mkdirSync(`${box.dir}/lazy`);
    const daemon = start([
      CRIU,
      "lazy-pages",
      "--page-server",
      "--address",
      "127.0.0.1",
      "--port",
      `${port}`,
      "-D",
      images,
      "-W",
      `${box.dir}/lazy`,
    ]);
    await until(() => exists(`${box.dir}/lazy/lazy-pages.socket`), "the lazy pages daemon");
    const other = `${box.id}-there`;
    box.configure({ "process.args": ["sh", "-c", REMEMBERING], "linux.cgroupsPath": `${box.cgroup}-there` });
    const before = printedLines(box).length;
    const args = [
      "restore",
      "--detach",
      "--bundle",
      box.bundle,
      "--image-path",
      images,
      "--work-path",
      `${box.dir}/lazy`,
    ];
    const restored = await piped(box, [...args, "--lazy-pages", "--manage-cgroups-mode", "ignore", other]);
    assertEquals(restored, { code: 0, stdout: "", stderr: "" });
    succeeded(await source.result, "the checkpoint");
    succeeded(await daemon.result, "the lazy pages daemon");
    await until(() => printedLines(box).length > before + 2, "the container to go on");
    assertEquals(new Set(printedLines(box)), new Set([expected]));
    assert(!exists(box.stateDir), "the source is gone");
    assertEquals((await box.state(other)).status, "running");
    await box.ok("delete", "--force", other);
  }
});

criuTest("checkpoint() --lazy-pages refuses a status descriptor that cannot be written to", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const flags = ["--lazy-pages", "--page-server", "127.0.0.1:1", "--status-fd", "3"];
  const args = [...WITH_CRIU, "checkpoint", "--image-path", imagesOf(box), ...flags, box.id];
  assertStringIncludes(
    failed(await box.runo(args, { after: "3</dev/null" })),
    "invalid --status-fd argument 3: not writable",
  );
  assertStringIncludes(failed(await box.runo(args, { after: "3>&-" })), "invalid --status-fd argument 3");
  assertStringIncludes(
    failed(await checkpoint(box, "--lazy-pages", "--status-fd", "/no/such/file")),
    "opening status file",
  );
  assertEquals(await box.status(), "running");
});
