/** Checkpoints with the CRIU of the distribution, on a kernel that tracks which memory has been written to. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { exists, type Sandbox, sandbox, succeeded, until } from "../../root/harness.ts";
import { execute, start } from "../../root/support/command.ts";
import {
  assertCounted,
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
  restore,
  WITH_CRIU,
} from "../../root/support/criu.ts";

const GONE = { code: 0, stdout: "", stderr: "" };

/** Bytes of memory in a directory of images. */
function pagesIn(directory: string): number {
  return [...Deno.readDirSync(directory)].filter(({ name }) => /^pages-\d+\.img$/.test(name))
    .reduce((sum, { name }) => sum + Deno.statSync(`${directory}/${name}`).size, 0);
}

function directoryOf(box: Sandbox, name: string): string {
  return `${imagesOf(box)}/${name}`;
}

criuTest("checkpoint() after --pre-dump has only the memory that was written to since", async () => {
  // a megabyte that stays as it is
  const program = `b=$(head -c 786432 /dev/zero | base64 -w 0); ${COUNTING.at(-1)}`;
  await using box = sandbox({ "process.args": ["sh", "-c", program] });
  await counting(box);
  Deno.mkdirSync(imagesOf(box));
  assertEquals(await checkpoint(box, "--pre-dump", "--image-path", directoryOf(box, "first")), GONE);
  assertEquals(await box.status(), "running");
  await printsMore(box, 2);
  const second = ["--pre-dump", "--image-path", directoryOf(box, "second"), "--parent-path", "../first"];
  assertEquals(await checkpoint(box, ...second), GONE);
  await printsMore(box, 2);
  const last = ["--image-path", directoryOf(box, "last"), "--parent-path", "../second"];
  assertEquals(await checkpoint(box, ...last), GONE);
  assertEquals(Deno.readLinkSync(`${directoryOf(box, "last")}/parent`), "../second");
  const [first, rest] = [pagesIn(directoryOf(box, "first")), pagesIn(directoryOf(box, "last"))];
  assert(first > 1 << 20 && rest < first / 2, `${first} bytes at first, ${rest} at last`);

  assertEquals(await restore(box, "--image-path", directoryOf(box, "last")), GONE);
  await printsMore(box, 2);
  assertCounted(box);
  await box.ok("delete", "--force", box.id);
});

criuTest("checkpoint() in a cgroup of v2 can be restored, paused or not", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  assertEquals(await checkpoint(box), GONE);
  assertEquals(await restore(box), GONE);
  await printsMore(box, 2);
  await box.ok("pause", box.id);
  assertEquals(await checkpoint(box), GONE);
  assertEquals(await restore(box), GONE);
  await printsMore(box, 2);
  assertCounted(box);
  assertStringIncludes(Deno.readTextFileSync(`/proc/${await box.pid()}/cgroup`), `0::${box.cgroup}\n`);
  await box.ok("delete", "--force", box.id);
});

criuTest("checkpoint() --auto-dedup takes out of the last pre-dump what it has anew", async () => {
  // half a megabyte that is another one each time
  const program =
    'i=0; while :; do i=$((i+1)); b=$(head -c 393216 /dev/zero | tr "\\0" "$i" | base64 -w 0); echo $i; done';
  await using box = sandbox({ "process.args": ["sh", "-c", program] });
  await counting(box);
  Deno.mkdirSync(imagesOf(box));
  const first = directoryOf(box, "first"), last = directoryOf(box, "last");
  assertEquals(await checkpoint(box, "--pre-dump", "--image-path", first), GONE);
  await printsMore(box, 2);
  const blocks = () => Deno.statSync(`${first}/pages-1.img`).blocks!;
  const before = blocks();
  assertEquals(await checkpoint(box, "--auto-dedup", "--image-path", last, "--parent-path", "../first"), GONE);
  assert(blocks() < before, `${before} blocks, and then ${blocks()}`);
  assertEquals(await restore(box, "--image-path", last), GONE);
  await printsMore(box, 2);
  assertCounted(box);
  await box.ok("delete", "--force", box.id);
});

criuTest("checkpoint() --lazy-pages after --pre-dump leaves behind only what was written to since", async () => {
  const program = 'v=$(seq 1 100000); while :; do echo "$v" | md5sum; sleep 0.1; done';
  await using box = sandbox({ "process.args": ["sh", "-c", program] });
  succeeded(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]));
  await printsMore(box, 2);
  const expected = printedLines(box)[0]!;
  Deno.mkdirSync(imagesOf(box));
  const last = directoryOf(box, "last"), lazy = `${box.dir}/lazy`, fifo = `${box.dir}/status`, port = `${freePort()}`;
  assertEquals(await checkpoint(box, "--pre-dump", "--image-path", directoryOf(box, "first")), GONE);
  succeeded(await execute(["mkfifo", fifo]));
  const flags = ["--lazy-pages", "--page-server", `127.0.0.1:${port}`, "--status-fd", fifo];
  const images = ["--image-path", last, "--parent-path", "../first"];
  const source = box.start([...WITH_CRIU, "checkpoint", ...images, ...flags, box.id]);
  assertEquals((await execute(["od", "-An", "-tx1", fifo])).stdout.trim(), "00");
  Deno.mkdirSync(lazy);
  const server = ["--page-server", "--address", "127.0.0.1", "--port", port];
  const daemon = start([CRIU, "lazy-pages", ...server, "-D", last, "-W", lazy]);
  await until(() => exists(`${lazy}/lazy-pages.socket`), "the lazy pages daemon");
  const before = printedLines(box).length;
  const there = ["--image-path", last, "--work-path", lazy, "--lazy-pages", "--manage-cgroups-mode", "ignore"];
  const other = `${box.id}-there`;
  box.configure({ "process.args": ["sh", "-c", program], "linux.cgroupsPath": `${box.cgroup}-there` });
  assertEquals(await piped(box, ["restore", "--detach", "--bundle", box.bundle, ...there, other]), GONE);
  succeeded(await source.result, "the checkpoint");
  succeeded(await daemon.result, "the lazy pages daemon");
  await until(() => printedLines(box).length > before + 2, "the container to go on");
  assertEquals(new Set(printedLines(box)), new Set([expected]));
  await box.ok("delete", "--force", other);
});
