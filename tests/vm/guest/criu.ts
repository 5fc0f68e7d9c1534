/** Checkpoints with the CRIU of the distribution, on a kernel that tracks which memory has been written to. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { type Sandbox, sandbox } from "../../root/harness.ts";
import {
  assertCounted,
  checkpoint,
  COUNTING,
  counting,
  criuTest,
  imagesOf,
  printsMore,
  restore,
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
