import { assertEquals, assertThrows } from "@std/assert";
import { bundleInto } from "../../../../scripts/carrier/bundle.ts";
import { inlineConstants } from "../../../../scripts/carrier/readable.ts";
import { scriptOf } from "../../../../scripts/carrier/script.ts";
import { RunoError } from "../../../../core/error.ts";

const OTHERS = ["a.js", "b.js", "c.js"];

/** The exports of a module that was made a script, where each script it loads is `{ x: name, y: 2 }`. */
function run(module: string): unknown {
  const load = (name: string) => ({ x: name, y: 2 });
  return (0, eval)(scriptOf(module, { name: "a.js", others: OTHERS, isEntry: false }))(load, load);
}

Deno.test("scriptOf() turns imports into constants and exports into an object", () => {
  const module = `import{x as q,y}from"./b.js";import"./c.js";var z=q+y;export{z as a,y as default};\n`;
  assertEquals(run(module), { a: "b.js2", default: 2 });
});

Deno.test("scriptOf() turns a dynamic import of the bundle into a lazy load", () => {
  assertEquals(run(`var z=import("./c.js");export{z};`), { z: { x: "c.js", y: 2 } });
});

Deno.test("scriptOf() lets only the entry wait, and knows it as the main module", async () => {
  const script = scriptOf(`await 1;globalThis.entry=import.meta.main;`, { name: "a.js", others: [], isEntry: true });
  await (0, eval)(script)();
  assertEquals(Reflect.get(globalThis, "entry"), true);
  Reflect.deleteProperty(globalThis, "entry");
});

Deno.test("scriptOf() refuses what only a module can do", () => {
  const place = { name: "a.js", others: OTHERS, isEntry: false };
  assertThrows(() => scriptOf(`import{a}from"node:fs";a();`, place), RunoError, `"a.js"`);
  assertThrows(() => scriptOf(`console.log(import.meta.url);`, place), RunoError, `"a.js"`);
});

Deno.test("scriptOf() drops an import without names", () => {
  assertEquals(scriptOf(`import"./b.js";`, { name: "a.js", others: OTHERS, isEntry: false }).includes("b.js"), false);
});

Deno.test("inlineConstants() writes numbers of other scripts where they are used", () => {
  const modules = new Map([
    [
      "a.js",
      `import {\n  A,\n  B as B2,\n  table\n} from "./b.js";\nimport { C } from "./b.js";\nuse(A, B2, C, table);\n`,
    ],
    [
      "b.js",
      `var A = 123;\nvar B = 1n << 4n;\nvar C = -1;\nvar table = {};\nexport {\n  A,\n  B,\n  C,\n  table\n};\n`,
    ],
  ]);
  const [a, b] = ["a.js", "b.js"].map((name) => inlineConstants(modules).get(name));
  assertEquals(b, modules.get("b.js"));
  assertEquals(
    a,
    `import { table as table } from "./b.js";\nconst A = 123;\nconst B2 = 1n << 4n;\nconst C = -1;\nuse(A, B2, C, table);\n`,
  );
});

Deno.test("bundleInto() keeps what `using` disposes of, however little its variable is used", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${dir}/entry.ts`, DISPOSING);
    bundleInto(`${dir}/out`, `${dir}/entry.ts`);
    const { events } = await import(`file://${dir}/out/entry.js`);
    assertEquals(events, ["a read", "a closed", "b read", "b closed", "c read", "c closed", "d read", "d closed"]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

const DISPOSING = `
export const events: string[] = [];
class Thing {
  constructor(readonly name: string, readonly about: { readonly text: string }) {}
  read() { events.push(this.name + " read"); }
  [Symbol.dispose]() { events.push(this.name + " closed"); }
}
function open(name: string) { return new Thing(name, { text: "; (\\"" }); }
function once(name: string) { using thing = open(name); thing.read(); }
function alias(given: Thing) { using thing = given; return thing.read(); }
function made(name: string) { using thing = new Thing(name, { text: "){;" }); return thing.read(); }
async function waiting(name: string) { using thing = open(name); return await thing.read(); }
once("a");
alias(open("b"));
made("c");
await waiting("d");
`;
