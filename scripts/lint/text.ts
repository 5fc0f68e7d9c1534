/** What no file may say, and how long it may be. */

import { type Finding, place, type Source } from "./source.ts";

const LINES = 400;
/** Tables and generated code grow with what they describe. */
const LONG = [/^ffi\/(abi|structs)\.ts$/, /^criu\/gen\//, /_bytes\.ts$/, /^deno\.lock$/, /^LICENSE$/, /\.md$/];

/** Unfinished work, and places that only one machine has. Written so that this file does not find itself. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/g, "unfinished work"],
  [/not (?:yet )?implement[e]d/gi, "unfinished work"],
  [/\/wor[k]\/|\/tmp\/bash_job[s]/g, "a path of one machine"],
  [/[ \t]+$/gm, "a blank at the end of a line"],
];
const FORBIDDEN_CODE: readonly (readonly [RegExp, string])[] = [
  [/^export let\b/gm, "an exported binding that changes: scripts of the executable copy exports"],
  [/^import "/gm, "an import for its effects: the executable drops it"],
  [/^export default\b/gm, "a default export"],
  [/^export \* from\b/gm, "a barrel"],
  [/@ts-(?:ignore|nocheck)/g, "a type error that is hidden"],
];

/** Files that are too long, and words that no file may have. */
export function texts(sources: readonly Source[]): Finding[] {
  return sources.flatMap((file) => [...tooLong(file), ...forbidden(file)]);
}

function tooLong({ path, text }: Source): Finding[] {
  const lines = text.split("\n").length - 1;
  if (lines <= LINES || LONG.some((pattern) => pattern.test(path))) return [];
  return [{ where: path, what: `${lines} lines, more than ${LINES}` }];
}

function forbidden(file: Source): Finding[] {
  if (/^criu\/gen\/|^deno\.lock$/.test(file.path)) return [];
  const patterns = file.path.endsWith(".ts") ? [...FORBIDDEN, ...FORBIDDEN_CODE] : FORBIDDEN;
  return patterns.flatMap(([pattern, what]) =>
    Array.from(file.text.matchAll(pattern), (found) => ({ where: place(file, found.index), what }))
  );
}
