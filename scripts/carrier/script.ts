/** Scripts for indirect eval, of the ES modules that a bundle has. */

import { RunoError } from "../../core/error.ts";

/** The names that the scripts' parameters have; a minifier makes none this long. */
const LOAD = "__load", LATER = "__later";

interface Place {
  readonly name: string;
  readonly others: readonly string[];
  /** The entry may wait at its top level; all others are evaluated synchronously. */
  readonly isEntry: boolean;
}

/**
 * A minified ES module of esbuild as a script. Exports are copied once the module has run, so an exported binding must not
 * change after that: the house lint forbids `export let`.
 */
export function scriptOf(module: string, { name, others, isEntry }: Place): string {
  const imports: string[] = [];
  let rest = module.replace(/^\/\/[^\n]*\n/, "");
  for (;;) {
    const found = /^import(?:\{([^}]*)\}from)?"\.\/([^"]+)";/.exec(rest);
    if (found === null) break;
    // one without names is there for what its evaluation does beside its exports, which in this house is nothing
    if (found[1] !== undefined) imports.push(`const{${found[1].replaceAll(" as ", ":")}}=${LOAD}("${found[2]}");`);
    rest = rest.slice(found[0].length);
  }
  const exported = /export\{([^}]*)\};?\s*$/.exec(rest);
  const body = rest.slice(0, exported?.index ?? rest.length)
    .replace(/\bimport\("\.\/([^"]+)"\)/g, (text, target) => others.includes(target) ? `${LATER}("${target}")` : text)
    .replaceAll("import.meta.main", String(isEntry));
  if (/^import\b|^export\b|\bimport\.meta\b/m.test(body)) {
    throw new RunoError(`making a script of "${name}": import or export that is none of the bundle's`);
  }
  const result = (exported?.[1] ?? "").split(",").map((pair) => pair.split(" as ").reverse().join(":")).join(",");
  return `(${isEntry ? "async" : ""}(${LOAD},${LATER})=>{"use strict";${imports.join("")}${body}\nreturn{${result}}})`;
}
