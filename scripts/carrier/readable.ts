/** What is done to the modules of a bundle before they are minified: they look as esbuild writes them for people. */

import { RunoError } from "../../core/error.ts";

const IMPORT = /^import \{\s*([^}]*?)\s*\} from "\.\/([^"]+)";$/gm;
const EXPORT = /^export \{\s*([^}]*?)\s*\};$/m;
/** An upper-case name, and an expression of nothing but numbers: what ffi/abi.ts is full of. */
const CONSTANT = /^var ([A-Z][A-Z\d_]*) = ([-+~|&<> ()\dxoa-fn]*\d[-+~|&<> ()\dxoa-fn]*);$/gm;

/**
 * Writes the numbers that a module imports from another script of the bundle into the module itself: the minifier puts them
 * where they are used, and the script that has them need not be evaluated for them.
 */
export function inlineConstants(modules: ReadonlyMap<string, string>): Map<string, string> {
  const known = new Map(Array.from(modules, ([name, text]) => [name, exportedConstants(text)]));
  const inlined = (text: string) =>
    text.replace(IMPORT, (_, list: string, from: string) => {
      const constants = known.get(from) ?? new Map<string, string>();
      const names = pairs(list), rest = names.filter(([name]) => !constants.has(name));
      const lines = names.flatMap(([name, local]) =>
        constants.has(name) ? [`const ${local} = ${constants.get(name)};`] : []
      );
      if (rest.length > 0) {
        lines.unshift(`import { ${rest.map((pair) => pair.join(" as ")).join(", ")} } from "./${from}";`);
      }
      return lines.join("\n");
    });
  return new Map(Array.from(modules, ([name, text]) => [name, inlined(text)]));
}

/** Expressions by the names they are exported under. */
function exportedConstants(text: string): Map<string, string> {
  const values = new Map(Array.from(text.matchAll(CONSTANT), ([, name, value]) => [name!, value!]));
  return new Map(
    pairs(EXPORT.exec(text)?.[1] ?? "").flatMap(([local, name]): [string, string][] => {
      const value = values.get(local);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** "a, b as c" as pairs. */
function pairs(list: string): [string, string][] {
  return list.split(/,\s*/).filter((item) => item !== "").map((item) => {
    const [first = "", second = first] = item.split(" as ");
    return [first, second];
  });
}

/**
 * Lets `using` survive the minifier. esbuild (in Deno 2.9) writes the value of a variable that is used once, in the next
 * statement, in its place, and forgets that `using` is more than a variable: nothing is disposed of. It looks at the last
 * variable of a declaration, so each declaration gets one more that nobody uses.
 */
export function keepDisposals(module: string): string {
  let kept = "", from = 0, count = 0;
  for (const { index } of module.matchAll(/(?<=^[ \t]*)(?:await )?using [\w$]+ = /gm)) {
    const end = statementEnd(module, index);
    kept += `${module.slice(from, end)}, __kept${count++} = void 0`;
    from = end;
  }
  return kept + module.slice(from);
}

/** Where the semicolon of the statement that begins at `start` is. */
function statementEnd(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const character = text[i]!;
    if ("\"'`".includes(character)) i = stringEnd(text, i);
    else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    else if (character === ";" && depth === 0) return i;
  }
  throw new RunoError(`bundling: "${text.slice(start, start + 40)}" has no end`);
}

function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === text[start]) return i;
  }
  throw new RunoError(`bundling: the string at "${text.slice(start, start + 40)}" has no end`);
}
