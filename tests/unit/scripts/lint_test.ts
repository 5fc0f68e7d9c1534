import { assertEquals } from "@std/assert";
import { lint } from "../../../scripts/lint.ts";
import { source } from "../../../scripts/lint/source.ts";

/** What the lint says of files, by path and text. */
function findings(files: Readonly<Record<string, string>>): string[] {
  return lint(Object.entries(files).map(([path, text]) => source(path, text))).map(({ where, what }) =>
    `${where}: ${what}`
  );
}

Deno.test("lint() lets imports go down", () => {
  const files = {
    "cli/run.ts": `import { a } from "../core/host/a.ts";\nawait import("../criu/b.ts");\n`,
    "core/host/a.ts": `import {\n  b,\n} from "../../ffi/call.ts";\nexport const a = b;\n`,
    "core/plan/a.ts": `import type { C } from "../cgroup/c.ts";\nimport * as abi from "../../ffi/abi.ts";\n`,
    "ffi/call.ts": `import { c } from "./abi.ts";\nexport const b = c;\n`,
  };
  assertEquals(findings(files), []);
});

Deno.test("lint() refuses imports that go up, sideways or to what a room must not see", () => {
  assertEquals(findings({ "ffi/call.ts": `import { a } from "../core/host/a.ts";\n` }), [
    `ffi/call.ts: imports "core/host/a.ts": "ffi/" may not import "core/host/"`,
  ]);
  assertEquals(findings({ "core/plan/a.ts": `import { c } from "../cgroup/c.ts";\n` }), [
    `core/plan/a.ts: imports "core/cgroup/c.ts": "core/plan/" may not import "core/cgroup/"`,
  ]);
  assertEquals(findings({ "cli/a.ts": `const a = await import("../ffi/call.ts");\n` }), [
    `cli/a.ts: imports "ffi/call.ts": "cli/" may not import "ffi/"`,
  ]);
  assertEquals(findings({ "core/host/a.ts": `export { b } from "../../criu/b.ts";\n` }), [
    `core/host/a.ts: imports "criu/b.ts": "core/host/" may not import "criu/"`,
  ]);
});

Deno.test("lint() refuses packages that are not used here, and node: in the product", () => {
  assertEquals(findings({ "core/host/a.ts": `import fs from "node:fs";\n` }), [
    `core/host/a.ts: imports "node:fs": node: modules cost milliseconds`,
  ]);
  assertEquals(findings({ "cli/a.ts": `import { x } from "npm:left-pad";\n` }), [
    `cli/a.ts: imports "npm:left-pad": no such package is used here`,
  ]);
  assertEquals(findings({ "cli/a.ts": `import { assert } from "@std/assert";\n` }), [
    `cli/a.ts: imports "@std/assert" in the wrong room`,
  ]);
});

Deno.test("lint() refuses system calls where plans are made", () => {
  assertEquals(findings({ "core/plan/a.ts": `const arch = Deno.build.arch;\nDeno.statSync("/");\n` }), [
    "core/plan/a.ts: Deno.statSync where no system call may be made",
  ]);
});

Deno.test("lint() finds modules that import each other, but for types and lazily", () => {
  const back = (statement: string) => findings({ "cli/a.ts": `import { b } from "./b.ts";\n`, "cli/b.ts": statement });
  assertEquals(back(`import { a } from "./a.ts";\n`), ["cli/a.ts: imports itself: cli/a.ts -> cli/b.ts -> cli/a.ts"]);
  assertEquals(back(`import type { a } from "./a.ts";\n`), []);
  assertEquals(back(`const a = await import("./a.ts");\n`), []);
});

Deno.test("lint() counts lines, but not of tables and generated code", () => {
  const long = "// line\n".repeat(401);
  assertEquals(findings({ "cli/a.ts": long, "ffi/abi.ts": long, "criu/gen/rpc_pb.ts": long }), [
    "cli/a.ts: 401 lines, more than 400",
  ]);
});

Deno.test("lint() finds unfinished work, paths of one machine and bindings that change", () => {
  const words = ["TO" + "DO", "not imple" + "mented", "/wor" + "k/main"];
  assertEquals(findings({ "cli/a.ts": `// ${words[0]}\n// ${words[1]}\n// ${words[2]}\nexport let a = 1;\n` }), [
    "cli/a.ts:1: unfinished work",
    "cli/a.ts:2: unfinished work",
    "cli/a.ts:3: a path of one machine",
    "cli/a.ts:4: an exported binding that changes: scripts of the executable copy exports",
  ]);
});
