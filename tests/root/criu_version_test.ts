/** What depends on the version and the features of CRIU: one that answers as the test wants, and one that says it is old. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { FakeCriu } from "../unit/criu/support/fake_criu.ts";
import { exists, failed, namespaces, type Sandbox, sandbox, succeeded } from "./harness.ts";
import {
  assertCounted,
  COUNTING,
  counting,
  CRIU,
  criuTest,
  imagesOf,
  piped,
  printsMore,
  runo,
} from "./support/criu.ts";
import { OldCriu } from "./support/old_criu.ts";

const WELL = { code: 0, stdout: "", stderr: "" };

/** An answer to VERSION. */
function version(majorNumber: number, minorNumber: number, gitid?: string) {
  return [{
    type: "VERSION",
    success: true,
    version: { majorNumber, minorNumber, ...gitid === undefined ? {} : { gitid } },
  }];
}

/** An answer to FEATURE_CHECK. */
function features(answered: Record<string, boolean>) {
  return [{ type: "FEATURE_CHECK", success: true, features: answered }];
}

const DONE = { DUMP: [{ type: "DUMP", success: true }], PRE_DUMP: [{ type: "PRE_DUMP", success: true }] };

function checkpoint(box: Sandbox, criu: { readonly path: string }, ...args: readonly string[]) {
  return box.runo(["--debug", "--criu", criu.path, "checkpoint", "--image-path", imagesOf(box), ...args, box.id]);
}

function types(criu: FakeCriu): string[] {
  return criu.asked().map(({ args, request }) => String(request.type ?? args[0]));
}

/** The last line of a log. */
function last(stderr: string): string {
  return stderr.trim().split("\n").at(-1)!;
}

criuTest("checkpoint() takes a build after 3.11 for 3.12, and asks for the version once", async () => {
  await using box = sandbox();
  await box.sleeping();
  using criu = new FakeCriu({
    answers: { VERSION: version(3, 11, "v3.11-7-gabc"), FEATURE_CHECK: features({}), ...DONE },
  });
  const { code, stderr } = await checkpoint(box, criu, "--pre-dump");
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "Using CRIU 31200");
  assert(!stderr.includes("CRIU 0"), stderr);
  assertEquals(types(criu), ["VERSION", "FEATURE_CHECK", "PRE_DUMP"]);
  assertEquals(criu.asked()[0]!.bytes, "080a");
});

criuTest("checkpoint() refuses a CRIU that is too old, found in PATH or named", async () => {
  await using box = sandbox();
  await box.sleeping();
  using criu = new FakeCriu({ answers: { VERSION: [{ type: "VERSION", success: false }] }, printed: "Version: 1.5" });
  const words = "CRIU version 10500 must be 30000 or higher";
  const args = ["checkpoint", "--image-path", imagesOf(box), box.id];
  assertStringIncludes(failed(await box.runo(["--criu", criu.path, ...args])), words);
  const env = { PATH: `${criu.dir}:${Deno.env.get("PATH")}` };
  assertStringIncludes(failed(await box.runo(args, { env })), words);
  assertEquals(criu.asked().map(({ args: [first] }) => first), ["swrk", "-V", "swrk", "-V"]);
  assertEquals(await box.status(), "running");
});

criuTest(
  "checkpoint() executes CRIU once for each request",
  async () => {
    await using box = sandbox();
    await box.sleeping();
    using criu = new FakeCriu({ answers: { VERSION: version(4, 1), FEATURE_CHECK: features({}), ...DONE } });
    const trace = `${box.dir}/trace`, through = `strace -f -qq -e trace=execve -o ${trace}`;
    const args = ["checkpoint", "--image-path", imagesOf(box), "--pre-dump", box.id];
    succeeded(await box.runo(["--criu", criu.path, ...args], { through }));
    const calls = Deno.readTextFileSync(trace).split("\n").filter((line) => line.includes(`execve("${criu.path}"`));
    assertEquals([calls.length, types(criu)], [3, ["VERSION", "FEATURE_CHECK", "PRE_DUMP"]]);
  },
  !exists("/usr/bin/strace") && "it needs the package strace",
);

criuTest(
  "checkpoint() --pre-dump has a guard before CRIU, which freezes without a word before, and shows it no cgroups",
  async () => {
    await using box = sandbox();
    await box.sleeping();
    using criu = new FakeCriu({ answers: { VERSION: version(4, 1), FEATURE_CHECK: features({}), ...DONE } });
    const trace = `${box.dir}/trace`, through = `strace -f -qq -e trace=execve -o ${trace}`;
    const args = ["checkpoint", "--image-path", imagesOf(box), "--pre-dump", box.id];
    succeeded(await box.runo(["--criu", criu.path, ...args], { through }));
    const calls = Deno.readTextFileSync(trace).split("\n");
    const guard = calls.findIndex((line) => line.includes('["runo", "guard"]'));
    assert(
      guard !== -1 && guard < calls.findLastIndex((line) => line.includes(`execve("${criu.path}"`)),
      calls.join("\n"),
    );
    const { opts } = criu.asked().at(-1)!.request as { opts: Record<string, string> };
    assertEquals(opts.cgroupYard, undefined);
  },
  !exists("/usr/bin/strace") && "it needs the package strace",
);

criuTest("checkpoint() goes on when CRIU does not answer for a feature, and not when it says no", async () => {
  const table = [
    [{}, ["--pre-dump"], undefined],
    [{ memTrack: false }, ["--pre-dump"], "MemTrack"],
    [{ lazyPages: true }, ["--lazy-pages"], undefined],
    [{ lazyPages: false }, ["--lazy-pages"], "LazyPages"],
    [{ lazyPages: false, memTrack: false }, ["--pre-dump", "--lazy-pages"], "MemTrack LazyPages"],
  ] as const;
  for (const [answered, flags, missing] of table) {
    await using box = sandbox();
    await box.sleeping();
    using criu = new FakeCriu({ answers: { VERSION: version(4, 1), FEATURE_CHECK: features(answered), ...DONE } });
    const { code, stderr } = await checkpoint(box, criu, "--leave-running", ...flags);
    if (missing === undefined) {
      assertEquals(code, 0, stderr);
      assertEquals(types(criu).length, 3, stderr);
    } else {
      assertEquals(code, 1, stderr);
      assertStringIncludes(last(stderr), `criu is missing features: [${missing}]`);
      for (const name of missing.split(" ")) assertStringIncludes(stderr, `CRIU does not support ${name}`);
      assertEquals(types(criu), ["VERSION", "FEATURE_CHECK"]);
    }
    assertEquals(await box.status(), "running");
  }
});

criuTest("restore() --lazy-pages insists on the feature", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  const args = (criu: string) => ["--criu", criu, "restore", "-d", "-b", box.bundle, "--image-path", imagesOf(box)];
  succeeded(await box.runo(["--criu", CRIU, "checkpoint", "--image-path", imagesOf(box), box.id]));
  using criu = new FakeCriu({ answers: { VERSION: version(4, 1), FEATURE_CHECK: features({ lazyPages: false }) } });
  const message = failed(await box.runo([...args(criu.path), "--lazy-pages", box.id]));
  assertStringIncludes(message, "criu is missing features: [LazyPages]");
  assertEquals(box.leftovers(), []);
});

criuTest("an older CRIU is asked for its version once, and does what it can", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  const old = new OldCriu(box, "3.13");
  await counting(box);
  assertEquals(await box.runo(["--criu", old.path, "checkpoint", "--image-path", imagesOf(box), box.id]), WELL);
  assertEquals(old.calls(), ["swrk 3", "-V", "swrk 3"]);
  old.forget();
  const args = ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), box.id];
  assertEquals(await piped(box, args, [...runo(box).slice(0, 3), "--criu", old.path]), WELL);
  assertEquals(old.calls(), ["swrk 3", "-V", "swrk 3"]);
  // before 3.14 nothing is restored into a time namespace
  const { namespaces: recorded } = box.stateFile().config;
  assert(!recorded.some(({ type }: { type: string }) => type === "NEWTIME"), Deno.inspect(recorded));
  await printsMore(box, 2);
  assertCounted(box);
});

criuTest("an older CRIU is no good for namespaces of others", async () => {
  for (const [type, file, least] of [["network", "net", "3.11"], ["pid", "pid", "3.15"]] as const) {
    await using box = sandbox({ "process.args": COUNTING });
    await counting(box);
    const old = new OldCriu(box, least === "3.11" ? "3.10.2" : "3.14");
    succeeded(await box.runo(["--criu", CRIU, "checkpoint", "--image-path", imagesOf(box), box.id]));
    const kinds = namespaces(...["pid", "network", "ipc", "uts", "mount"].filter((other) => other !== type));
    box.configure({ "linux.namespaces": [...kinds, { type, path: `/proc/self/ns/${file}` }] });
    const args = ["restore", "-d", "-b", box.bundle, "--image-path", imagesOf(box), box.id];
    const message = failed(await box.runo(["--criu", old.path, ...args]));
    assertStringIncludes(message, `criu lacks support for external ${file} namespace during the restoration process`);
    assertMatch(message, new RegExp(`CRIU version \\d+ must be ${least.replace(".", "")}00 or higher`));

    await using other = sandbox({ "process.args": COUNTING });
    const holder = await box.create({ "process.args": ["sleep", "1000"] });
    other.configure({ "linux.namespaces": [...kinds, { type, path: `/proc/${holder}/ns/${file}` }] });
    await counting(other);
    old.forget();
    const refused = await other.runo(["--criu", old.path, "checkpoint", "--image-path", imagesOf(other), other.id]);
    const words = `criu lacks support for external ${file} namespace during checkpointing process`;
    assertStringIncludes(failed(refused), words);
    await printsMore(other, 2);
    assertCounted(other);
    await other.ok("delete", "--force", other.id);
  }
});

criuTest("restore() takes security labels to CRIU since 3.16 and not before", async () => {
  await using box = sandbox({ "process.args": COUNTING });
  await counting(box);
  succeeded(await box.runo(["--criu", CRIU, "checkpoint", "--image-path", imagesOf(box), box.id]));
  const labels = [["--lsm-profile", "apparmor:some-profile"], [
    "--lsm-mount-context",
    "system_u:object_r:x_t:s0",
  ]] as const;
  for (const [flag, value] of labels) {
    const old = new OldCriu(box, "3.15");
    const args = ["restore", "-d", "-b", box.bundle, "--image-path", imagesOf(box), flag, value, box.id];
    const message = failed(await box.runo(["--criu", old.path, ...args]));
    assertStringIncludes(message, `${flag} requires at least CRIU 3.16`);
    assertEquals(box.leftovers(), []);
  }
  using criu = new FakeCriu({ answers: { VERSION: version(3, 16), RESTORE: [{ type: "RESTORE", success: false }] } });
  const args = ["restore", "-d", "-b", box.bundle, "--image-path", imagesOf(box), ...labels.flat(), box.id];
  assertStringIncludes(failed(await box.runo(["--criu", criu.path, ...args])), "criu failed: type RESTORE");
  const { opts } = criu.asked().at(-1)!.request as { opts: Record<string, string> };
  assertEquals([opts.lsmProfile, opts.lsmMountContext], [labels[0][1], labels[1][1]]);
});
