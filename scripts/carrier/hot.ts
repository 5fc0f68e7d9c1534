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

function marked(module: string, names: readonly string[]): string {
  const wanted = new Set(names), found: string[] = [];
  // a function of a module begins and ends at the begin of a line
  const rest = module.replace(
    /^((?:async )?function\*? ([\w$]+)\([^]*?\n\})$/gm,
    (whole, definition: string, name: string) => {
      if (!wanted.has(name)) return whole;
      found.push(`var ${name} = /* @__PURE__ */ ${MARK}(${definition});\n`);
      return "";
    },
  );
  return `\n${found.join("")}${rest}`;
}

/** Parentheses for marks, in a script that is minified. @throws {RunoError} when the minifier has changed what was marked */
export function unmarkHotFunctions(script: string): string {
  const text = script.replace(new RegExp(`\\b${MARK}\\((?=(?:async )?function\\b)`, "g"), "(");
  if (text.includes(MARK)) throw new RunoError("bundling: the minifier has taken a marked function apart");
  return text;
}
