import { assertEquals } from "@std/assert";

import { type Cache, kept } from "../../../../core/host/seccomp_cache.ts";

/** A cache in a directory of its own, and a maker that counts. */
function cacheTest(name: string, run: (cache: Cache, make: () => Uint8Array<ArrayBuffer>, made: () => number) => void) {
  Deno.test(name, () => {
    const parent = Deno.makeTempDirSync({ prefix: "runo-test-cache-" });
    let count = 0;
    const make = () => Uint8Array.of(++count, 0, 255);
    try {
      Deno.mkdirSync(`${parent}/root`, { mode: 0o700 });
      run({ directory: `${parent}/root`, uid: Deno.uid()! }, make, () => count);
    } finally {
      Deno.removeSync(parent, { recursive: true });
    }
  });
}

cacheTest("kept() makes it once for each key", (cache, make, made) => {
  assertEquals(kept("one", make, cache), Uint8Array.of(1, 0, 255));
  assertEquals(kept("one", make, cache), Uint8Array.of(1, 0, 255));
  assertEquals(kept("other", make, cache), Uint8Array.of(2, 0, 255));
  assertEquals(kept("", make, cache), Uint8Array.of(3, 0, 255));
  assertEquals(made(), 3);
});

cacheTest("kept() keeps nothing without a cache", (_cache, make, made) => {
  kept("one", make, undefined);
  kept("one", make, undefined);
  assertEquals(made(), 2);
});

cacheTest("kept() believes no entry of another key or that is cut short", (cache, make, made) => {
  kept("one", make, cache);
  const [{ name } = { name: "" }] = [...Deno.readDirSync(cache.directory)];
  for (const content of ["other\0\x01", "on", ""]) {
    Deno.writeTextFileSync(`${cache.directory}/${name}`, content);
    const before = made();
    kept("one", make, cache);
    assertEquals(made(), before + 1, content);
  }
});

cacheTest("kept() uses no directory that others may write to, or that is another user's", (cache, make, made) => {
  kept("one", make, cache);
  Deno.chmodSync(cache.directory, 0o770);
  kept("one", make, cache);
  assertEquals(made(), 2);
  Deno.chmodSync(cache.directory, 0o700);
  kept("one", make, { ...cache, uid: cache.uid + 1 });
  assertEquals(made(), 3);
});

cacheTest("kept() does without a directory that is not there", (cache, make, made) => {
  Deno.removeSync(cache.directory);
  kept("one", make, cache);
  kept("one", make, cache);
  assertEquals(made(), 2);
});

cacheTest("kept() starts anew when there are many entries", (cache, make) => {
  for (let n = 0; n < 65; n++) kept(`key ${n}`, make, cache);
  assertEquals([...Deno.readDirSync(cache.directory)].length, 1);
});
