import { assertEquals } from "@std/assert";

import { signalText } from "../../../../core/host/signals.ts";
import { findTool, runTool } from "../../../../core/host/tools.ts";

function withPath<T>(path: string, run: () => T): T {
  const before = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", path);
  try {
    return run();
  } finally {
    Deno.env.set("PATH", before);
  }
}

Deno.test("findTool() looks in absolute directories of PATH alone, for what can be executed", () => {
  const directory = Deno.makeTempDirSync({ prefix: "runo-test-tools-" });
  try {
    Deno.writeTextFileSync(`${directory}/plain`, "");
    Deno.writeTextFileSync(`${directory}/tool`, "#!/bin/sh\n", { mode: 0o755 });
    const find = (name: string) => withPath(`:.:tools:${directory}`, () => findTool(name));
    assertEquals([find("tool"), find("plain"), find("missing")], [`${directory}/tool`, undefined, undefined]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("runTool() gives a clean environment, and tells how it ended", () => {
  const result = runTool("/bin/sh", ["-c", 'echo "[$HOME]"; echo words >&2; exit 3']);
  assertEquals(result, { code: 3, stdout: "[]\n", stderr: "words\n" });
});

Deno.test("signalText() has runc's words", () => {
  assertEquals([signalText(9), signalText(31), signalText(40)], ["killed", "bad system call", "signal 40"]);
});
