/**
 * Functions that the life of a container calls. V8 compiles a function when it is called first, having parsed it once before to find
 * its end; a function in parentheses it compiles at once. So the bundle has parentheses around those of hot_functions.txt, which
 * `deno task gen:hot` makes of what V8 tells. A name that is missing there, or is there in vain, costs some microseconds.
 */

import { RunoError } from "../../core/error.ts";

/** A call that the minifier leaves in place where it would drop parentheses; it makes none this long. */
const MARK = "__hot";

/** By module: names of its functions. */
export type HotFunctions = ReadonlyMap<string, readonly string[]>;

/** Lines `path: name name`. */
export function readHotFunctions(text: string): HotFunctions {
  return new Map(
    text.split("\n").filter((line) => line !== "").map((line) => {
      const [path = "", names = ""] = line.split(": ");
      return [path, names.split(" ")];
    }),
  );
}

/** Of modules as esbuild writes them for people: each begins with a comment that is its path. */
const MODULE = /^\/\/ (\S+\.ts)$/m;

/** Marks the hot functions of a script, and puts them in front of their modules: there they are defined as early as before. */
export function markHotFunctions(script: string, hot: HotFunctions): string {
  const [head = "", ...parts] = script.split(MODULE);
  let text = head;
  for (let i = 0; i < parts.length; i += 2) {
    const path = parts[i]!;
    text += `// ${path}\n${marked(parts[i + 1]!, hot.get(path) ?? [])}`;
  }
  return text;
}

/** How a function of a module begins, at the begin of a line. */
const FUNCTION = /^(?:async )?function\*? ([\w$]+)\(/gm;

function marked(module: string, names: readonly string[]): string {
  const wanted = new Set(names);
  let front = "", rest = "", from = 0;
  for (const { index, 1: name } of module.matchAll(FUNCTION)) {
    if (!wanted.has(name!)) continue;
    const end = functionEnd(module, index);
    front += `var ${name} = /* @__PURE__ */ ${MARK}(${module.slice(index, end)});\n`;
    rest += module.slice(from, index);
    from = end;
  }
  return `\n${front}${rest}${module.slice(from)}`;
}

/** A function of a module ends at a brace that begins a line, but a text in it may have such braces too. */
function functionEnd(module: string, start: number): number {
  for (let end = module.indexOf("\n}\n", start); end >= 0; end = module.indexOf("\n}\n", end + 1)) {
    if (isExpression(module.slice(start, end + 2))) return end + 2;
  }
  throw new RunoError(`bundling: the function at "${module.slice(start, start + 40)}" has no end`);
}

function isExpression(text: string): boolean {
  try {
    new Function(`return (${text})`);
    return true;
  } catch {
    return false;
  }
}

/** Parentheses for marks, in a script that is minified. @throws {RunoError} when the minifier has changed what was marked */
export function unmarkHotFunctions(script: string): string {
  const text = script.replace(new RegExp(`\\b${MARK}\\((?=(?:async )?function\\b)`, "g"), "(");
  if (text.includes(MARK)) throw new RunoError("bundling: the minifier has taken a marked function apart");
  return text;
}
