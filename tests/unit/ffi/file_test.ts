import { assertEquals, assertThrows } from "@std/assert";

import { tryCall } from "../../../ffi/call.ts";
import { makeFifo, memoryFile, openFifoReader, openPath, sealedFile, statFd, writeAll } from "../../../ffi/file.ts";

const S_IFMT = 0o170000, S_IFIFO = 0o010000;

function inDirectory(run: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync({ prefix: "runo-test-file-" });
  try {
    run(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("memoryFile() is read from its start and can be written", () => {
  using file = memoryFile("name", new TextEncoder().encode("one"));
  const path = `/proc/self/fd/${file.number}`;
  assertEquals(Deno.readLinkSync(path), "/memfd:name (deleted)");
  assertEquals(Deno.readTextFileSync(path), "one");
  writeAll(file.number, new TextEncoder().encode("two"));
  assertEquals(Deno.readTextFileSync(path), "two");
});

Deno.test("sealedFile() cannot be changed in any way", () => {
  using file = sealedFile("name", Uint8Array.of(1, 2, 3));
  assertEquals([...Deno.readFileSync(`/proc/self/fd/${file.number}`)], [1, 2, 3]);
  assertEquals(tryCall("write", file.number, Uint8Array.of(9), 1), "EPERM");
  assertEquals(tryCall("ftruncate", file.number, 0), "EPERM");
  const F_ADD_SEALS = 1033;
  assertEquals(tryCall("fcntl", file.number, F_ADD_SEALS, 1), "EPERM");
});

Deno.test("makeFifo() has its mode whatever the umask", () => {
  inDirectory((directory) => {
    makeFifo(`${directory}/fifo`, 0o622);
    using reader = openFifoReader(`${directory}/fifo`);
    const { mode } = statFd(reader.number);
    assertEquals([mode & S_IFMT, mode & 0o777], [S_IFIFO, 0o622]);
  });
});

Deno.test("openPath() opens a place, and a symlink as itself", () => {
  inDirectory((directory) => {
    Deno.symlinkSync("/etc", `${directory}/link`);
    using link = openPath(`${directory}/link`);
    assertEquals(Deno.readLinkSync(`/proc/self/fd/${link.number}`), `${directory}/link`);
    assertThrows(() => openPath(`${directory}/missing`), Error, "openat: ENOENT");
  });
});
