import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { Script } from "../../../../scripts/carrier/bundle.ts";
import { CODE_CACHE_FILE } from "../../../../scripts/carrier/carrier.ts";
import { makeCodeCache } from "../../../../scripts/carrier/code_cache.ts";
import { makeProbe, SCRIPTS } from "./probe.ts";

const directory = Deno.makeTempDirSync({ prefix: "runo-carrier-" });
const file = `${directory}/${CODE_CACHE_FILE}`;

/** In a directory of its own below the test's. */
function cacheOf(scripts: readonly Script[]): Uint8Array {
  return makeCodeCache(Deno.execPath(), scripts, Deno.makeTempDirSync({ dir: directory }));
}

Deno.test.afterAll(() => Deno.removeSync(directory, { recursive: true }));

/** What the data base has of the scripts and of the modules around them, by name. */
function compiled(cache: Uint8Array): Map<string, string> {
  Deno.writeFileSync(file, cache);
  using database = new DatabaseSync(file);
  const rows = database.prepare("SELECT specifier, data FROM codecache ORDER BY specifier").all();
  return new Map(rows.map(({ specifier, data }) => [String(specifier), (data as Uint8Array<ArrayBuffer>).toHex()]));
}

Deno.test("makeCodeCache() has each script, and more of one whose functions are called", () => {
  const scripts = (call: string) => [
    { name: "main.js", text: `(async (load) => { const call = (x) => { return x + x + x; }; ${call} })` },
    { name: "other.js", text: "(() => ({}))" },
  ];
  const busy = compiled(cacheOf(scripts("call(1);")));
  const names = Array.from(busy.keys()).filter((name) => name.startsWith("runo:"));
  assertEquals(names, ["runo:loader", "runo:main.js", "runo:other.js"]);
  const idle = compiled(cacheOf(scripts("     ;  ")));
  assert(busy.get("runo:main.js")!.length > idle.get("runo:main.js")!.length);
});

Deno.test("makeCodeCache() makes what deno takes: it compiles nothing again", () => {
  const before = compiled(cacheOf(SCRIPTS));
  makeProbe(`${directory}/probe`, Deno.execPath(), { directory });
  const { success } = new Deno.Command(`${directory}/probe`, { args: ["lazy"] }).outputSync();
  assertEquals({ success, after: compiled(Deno.readFileSync(file)) }, { success: true, after: before });
});
