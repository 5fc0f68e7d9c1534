import { assertEquals, assertThrows } from "@std/assert";

import { RunoError } from "../../../core/error.ts";
import {
  assertCompatible,
  cpuFeatures,
  type Manifest,
  outline,
  parseManifest,
} from "../../../criu/archive/manifest.ts";
import { readEntries, type Sink, type Source, writeEnd, writeEntry } from "../../../criu/archive/tar.ts";

/** A file in memory. */
class Tape implements Sink, Source {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#bytes = bytes;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  writeSync(bytes: Uint8Array): number {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
    return bytes.length;
  }

  /** Never all that was asked for: a pipe does so too. */
  readSync(into: Uint8Array): number | null {
    const part = this.#bytes.subarray(this.#at, this.#at + Math.min(into.length, 700));
    into.set(part);
    this.#at += part.length;
    return part.length === 0 ? null : part.length;
  }
}

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

function archive(...sizes: readonly number[]): Tape {
  const tape = new Tape();
  for (const [i, size] of sizes.entries()) writeEntry(tape, `file-${i}`, new Tape(bytes(size)), size);
  writeEnd(tape);
  return tape;
}

function contents(tape: Tape): [string, Uint8Array][] {
  return Array.from(readEntries(new Tape(tape.bytes)), ({ name, read }): [string, Uint8Array] => {
    const content = new Tape();
    read((chunk) => content.writeSync(chunk));
    return [name, content.bytes];
  });
}

Deno.test("readEntries() reads what writeEntry() has written", () => {
  const sizes = [0, 1, 511, 512, 513, 5000];
  assertEquals(contents(archive(...sizes)), sizes.map((size, i) => [`file-${i}`, bytes(size)]));
});

Deno.test("writeEntry() writes what tar(1) reads, and readEntries() what tar(1) writes", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeFileSync(`${dir}/a.tar`, archive(700).bytes);
    const tar = (...args: string[]) => new Deno.Command("tar", { args, cwd: dir }).outputSync();
    assertEquals(tar("-xf", "a.tar").success, true);
    assertEquals(Deno.readFileSync(`${dir}/file-0`), bytes(700));
    assertEquals(tar("--format=ustar", "-cf", "b.tar", "file-0").success, true);
    assertEquals(contents(new Tape(Deno.readFileSync(`${dir}/b.tar`))), [["file-0", bytes(700)]]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("writeEntry() knows sizes beyond eight gigabytes", () => {
  const tape = new Tape(), size = 2 ** 33 + 5;
  assertThrows(() => writeEntry(tape, "large", new Tape(), size), RunoError, "it has changed meanwhile");
  assertEquals(readEntries(tape).next().value?.size, size);
});

Deno.test("readEntries() refuses what is damaged or no plain file", () => {
  const whole = archive(600).bytes;
  const refuse = (change: (bytes: Uint8Array) => Uint8Array, words: string) =>
    assertThrows(() => contents(new Tape(change(whole.slice()))), RunoError, words);
  refuse((bytes) => bytes.subarray(0, 900), "cut short");
  refuse((bytes) => bytes.subarray(0, 1536), "cut short");
  refuse((bytes) => (bytes[3]! ^= 1, bytes), "no tar archive");
});

const MANIFEST: Manifest = {
  format: 1,
  id: "c",
  exported: "2026-01-01T00:00:00Z",
  criu: 40000,
  arch: "x86_64",
  kernel: "6.1.0",
  cpu: ["avx", "avx2"],
  namespaces: ["NEWNS", "NEWPID"],
  binds: ["/data"],
  rootfs: { files: 3, digest: "d" },
  files: [{ name: "pages-1.img", size: 1, sha256: "0" }],
};

Deno.test("assertCompatible() takes the same machine and a better one", () => {
  assertCompatible(MANIFEST, MANIFEST);
  assertCompatible(MANIFEST, { ...MANIFEST, criu: 50000, cpu: ["avx", "avx2", "avx512f"] });
});

Deno.test("assertCompatible() says what does not fit", () => {
  const table: readonly (readonly [Partial<Manifest>, string])[] = [
    [{ arch: "aarch64" }, "it is of x86_64, this machine is aarch64"],
    [{ criu: 31700 }, "it was made by CRIU 40000, this one is 31700"],
    [{ cpu: ["avx"] }, "this processor lacks avx2"],
    [{ namespaces: ["NEWNS"] }, "config.json lacks the namespaces NEWPID"],
    [{ binds: [] }, "config.json lacks the bind mounts /data"],
    [{ binds: ["/data", "/more"] }, "config.json has the bind mounts /more, the checkpoint has not"],
    [{ rootfs: { files: 4, digest: "e" } }, "the root file system is another one (3 files then, 4 files now)"],
  ];
  for (const [change, words] of table) {
    assertThrows(() => assertCompatible(MANIFEST, { ...MANIFEST, ...change }), RunoError, words);
  }
});

Deno.test("parseManifest() takes nothing else for a manifest", () => {
  assertEquals(parseManifest(JSON.stringify(MANIFEST)), MANIFEST);
  const evil = (name: string) => ({ ...MANIFEST, files: [{ name, size: 1, sha256: "" }] });
  for (
    const value of [
      null,
      1,
      {},
      { ...MANIFEST, format: 2 },
      { ...MANIFEST, cpu: [1] },
      evil("../x"),
      evil(".."),
      evil("/x"),
      evil(""),
    ]
  ) {
    assertThrows(() => parseManifest(JSON.stringify(value)), RunoError, "manifest");
  }
  assertThrows(() => parseManifest("{"), RunoError, "manifest");
});

Deno.test("cpuFeatures() keeps the instructions of the first processor", () => {
  const cpuinfo = "processor : 0\nflags\t\t: fpu avx2 sse4_2 constant_tsc aes\n\nprocessor : 1\nflags : avx512f\n";
  assertEquals(cpuFeatures(cpuinfo), ["aes", "avx2", "sse4_2"]);
  assertEquals(cpuFeatures("Features\t: fp asimd aes\n"), ["aes", "asimd"]);
});

Deno.test("outline() leaves out the namespace that a restore adds", () => {
  const namespaces = [{ type: "NEWTIME", path: "" }, { type: "NEWNS", path: "" }];
  const mounts = [{ source: "/s", destination: "/b", device: "bind" }, {
    source: "t",
    destination: "/t",
    device: "tmpfs",
  }];
  assertEquals(outline({ rootfs: "/", version: "1", namespaces, mounts }), { namespaces: ["NEWNS"], binds: ["/b"] });
});
