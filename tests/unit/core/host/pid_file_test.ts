import { assertEquals, assertThrows } from "@std/assert";

import { RunoError } from "../../../../core/error.ts";
import { writePidFile } from "../../../../core/host/pid_file.ts";

Deno.test("writePidFile() writes digits alone, over what is there, and leaves nothing beside it", () => {
  const directory = Deno.makeTempDirSync({ prefix: "runo-test-pid-" });
  try {
    const path = `${directory}/pid`;
    Deno.writeTextFileSync(path, "an older one that is longer");
    Deno.writeTextFileSync(`${directory}/.pid`, "of a writer that was killed");
    writePidFile(path, 4711);
    assertEquals(Deno.readTextFileSync(path), "4711");
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["pid"]);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("writePidFile() names the file that it cannot write", () => {
  assertThrows(() => writePidFile("/nonexistent/pid", 1), RunoError, 'writing pid file "/nonexistent/pid": ENOENT');
});
