/** What the executable carries: a loader as a C string, then the scripts of the bundle. */

import type { Script } from "./bundle.ts";

/** Where deno looks for what it keeps, when it has no directory of its own: no file can be made there. */
export const NO_DIRECTORY = "/dev/null/deno";

/**
 * The main module: it evaluates the loader. It lacks its end: the payload's address and ")". It is a URL, so it has no "#",
 * "?" or "%". evalContext() is eval() that asks for compiled code in deno's directory: without one, it would only lose time.
 */
export const MAIN_MODULE = "data:text/javascript," + [
  "(at=>{const text=Deno.UnsafePointerView.getCString(Deno.UnsafePointer.create(BigInt(at)));",
  "const {core}=Deno[Deno.internal];",
  `const cached=Deno.env.get("DENO_DIR")!=="${NO_DIRECTORY}"&&core&&core.evalContext;`,
  "const evaluate=(text,name)=>{if(!cached)return(0,eval)(text);",
  'const [value,error]=core.evalContext(text,"runo:"+name);if(error)throw error.thrown;return value};',
  'evaluate(text,"loader")(at+text.length+1,evaluate)})(',
].join("");

/** Statements: what goes wrong outside cli/main.ts is said in one line from then on, never as a stack. */
export const SAY_IN_ONE_LINE: string = `
  const die = error => {
    Deno.stderr.writeSync(new TextEncoder().encode("runo: internal error: " + String(error).split("\\n")[0] + "\\n"));
    Deno.exit(1);
  };
  addEventListener("error", event => { event.preventDefault(); die(event.error); });
  addEventListener("unhandledrejection", event => { event.preventDefault(); die(event.reason); });`;

/**
 * The loader: a function of the address that the table's offsets count from, and of how to evaluate. It evaluates the first
 * script, and others when they are asked for.
 */
function loader(scripts: readonly Script[], lengths: readonly number[]): string {
  let end = 0;
  const table = scripts.map(({ name }, i) => {
    const start = end;
    end += lengths[i]!;
    return `${JSON.stringify(name)}:[${start},${lengths[i]}]`;
  });
  return `(at, evaluate) => {
    const table = {${table.join(",")}};
    ${SAY_IN_ONE_LINE}
    const decoder = new TextDecoder(), loaded = {};
    const text = ([offset, length]) => decoder.decode(
      new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(BigInt(at + offset)), length)));
    const load = name => loaded[name] ??= evaluate(text(table[name]), name)(load, later);
    const later = async name => load(name);
    load(${JSON.stringify(scripts[0]?.name)});
  }`.replace(/\n\s*/g, " ");
}

/** The payload, of which the first script is the entry. */
export function layOutPayload(scripts: readonly Script[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const texts = scripts.map(({ text }) => encoder.encode(text));
  const pieces = [encoder.encode(`${loader(scripts, texts.map((text) => text.length))}\0`), ...texts];
  const payload = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    payload.set(piece, end);
    end += piece.length;
  }
  return payload;
}
