/** The house lint, part of `deno task ok`: imports go down only, files stay short, nothing unfinished. */

import { cycles } from "./lint/cycles.ts";
import { floors } from "./lint/floors.ts";
import { type Finding, type Source, source } from "./lint/source.ts";
import { texts } from "./lint/text.ts";

const TEXT = /\.(ts|s|md|json|proto|sh)$|^(LICENSE|\.gitignore|\.ci\/run)$/;
const SKIPPED = new Set([".git", "dist", "node_modules"]);

/** All findings in a project. */
export function lint(sources: readonly Source[]): readonly Finding[] {
  return [...texts(sources), ...floors(sources), ...cycles(sources)];
}

/** The text files below a directory, whether git knows them or not. */
function readSources(top: string, below = ""): Source[] {
  return Array.from(Deno.readDirSync(`${top}${below}`)).sort((a, b) => a.name < b.name ? -1 : 1).flatMap((entry) => {
    const path = `${below}${entry.name}`;
    if (entry.isDirectory) return SKIPPED.has(entry.name) ? [] : readSources(top, `${path}/`);
    return entry.isFile && TEXT.test(path) ? [source(path, Deno.readTextFileSync(`${top}${path}`))] : [];
  });
}

if (import.meta.main) {
  const findings = lint(readSources(new URL("../", import.meta.url).pathname));
  for (const { where, what } of findings) console.error(`${where}: ${what}`);
  if (findings.length > 0) Deno.exit(1);
}
