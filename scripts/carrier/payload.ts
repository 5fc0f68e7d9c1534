/** What the executable carries: a loader as a C string, then the scripts of the bundle. */

import type { Script } from "./bundle.ts";

/**
 * The main module: it evaluates the loader. It lacks its end: the launcher appends the payload's address and ")".
 * It is a URL, so it has no "#", "?" or "%".
 */
export const MAIN_MODULE = "data:text/javascript," +
  "(at=>{const text=Deno.UnsafePointerView.getCString(Deno.UnsafePointer.create(BigInt(at)));" +
  "(0,eval)(text)(at+text.length+1)})(";

/**
 * The loader: a function of the address that the table's offsets count from. It evaluates the first script, and others when
 * they are asked for. What goes wrong outside cli/main.ts is said in one line, never as a stack.
 */
function loader(scripts: readonly Script[], lengths: readonly number[]): string {
  let end = 0;
  const table = scripts.map(({ name }, i) => {
    const start = end;
    end += lengths[i]!;
    return `${JSON.stringify(name)}:[${start},${lengths[i]}]`;
  });
  return `at => {
    const table = {${table.join(",")}};
    const die = error => {
      Deno.stderr.writeSync(new TextEncoder().encode("runo: internal error: " + String(error).split("\\n")[0] + "\\n"));
      Deno.exit(1);
    };
    addEventListener("error", event => { event.preventDefault(); die(event.error); });
    addEventListener("unhandledrejection", event => { event.preventDefault(); die(event.reason); });
    const decoder = new TextDecoder(), loaded = {};
    const text = ([offset, length]) => decoder.decode(
      new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(BigInt(at + offset)), length)));
    const load = name => loaded[name] ??= (0, eval)(text(table[name]))(load, later);
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
