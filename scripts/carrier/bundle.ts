/**
 * The sources as a set of scripts. Each literal `import("./file.ts")` in the sources starts a script of its own, which is
 * evaluated when the import is met, and not before; what several need in common becomes a script too (`deno bundle --code-splitting`).
 * They are scripts for indirect eval, because Deno parses modules itself before V8 does: 110 KB cost 14 ms as a module, 6 ms as a script.
 */

import { RunoError } from "../../core/error.ts";
import { markHotFunctions, readHotFunctions, unmarkHotFunctions } from "./hot.ts";
import { inlineConstants, keepDisposals } from "./readable.ts";
import { scriptOf } from "./script.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A script: an expression whose value is a function from `load` (name -> exports) and `later` (the same, as a promise) to exports. */
export interface Script {
  readonly name: string;
  readonly text: string;
}

/** Bundles `entry` and all that it imports, minified; the entry comes first. @throws {RunoError} */
export function bundle(entry: string): readonly Script[] {
  const directory = Deno.makeTempDirSync({ prefix: "runo-bundle-" });
  try {
    bundleInto(directory, entry);
    const names = Array.from(Deno.readDirSync(directory), (file) => file.name).sort();
    const main = mainOf(entry);
    const ordered = [main, ...names.filter((name) => name !== main)];
    return ordered.map((name) => {
      const module = Deno.readTextFileSync(`${directory}/${name}`);
      return { name, text: scriptOf(module, { name, others: names, isEntry: name === main }) };
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** Writes the ES modules of the bundle to a directory. @throws {RunoError} */
export function bundleInto(directory: string, entry: string): void {
  const readable = Deno.makeTempDirSync({ prefix: "runo-bundle-" });
  try {
    denoBundle(readable, entry, []);
    prepare(readable);
    denoBundle(directory, `${readable}/${mainOf(entry)}`, ["--minify"]);
    for (const { name } of Deno.readDirSync(directory)) {
      const path = `${directory}/${name}`;
      Deno.writeTextFileSync(path, unmarkHotFunctions(Deno.readTextFileSync(path)));
    }
  } finally {
    Deno.removeSync(readable, { recursive: true });
  }
  stampCommit(directory);
}

/** Changes the readable modules in a directory into what the minifier makes good scripts of. */
function prepare(directory: string): void {
  const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  const modules = new Map(names.map((name) => [name, Deno.readTextFileSync(`${directory}/${name}`)]));
  const hot = readHotFunctions(Deno.readTextFileSync(new URL("hot_functions.txt", import.meta.url)));
  for (const [name, text] of inlineConstants(modules)) {
    Deno.writeTextFileSync(`${directory}/${name}`, markHotFunctions(keepDisposals(text), hot));
  }
}

/** What the entry's script is called. */
function mainOf(entry: string): string {
  return `${entry.replace(/^.*\//, "").replace(/\.ts$/, "")}.js`;
}

/** Bundles `entry` with this Deno, as a script for each lazy import. @throws {RunoError} */
export function denoBundle(directory: string, entry: string, how: readonly string[]): void {
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...how, "--code-splitting", "--platform=deno", `--outdir=${directory}`, entry],
    // paths in the bundle's comments are relative to it
    cwd: ROOT,
  }).outputSync();
  if (!success) throw new RunoError(`bundling "${entry}": ${new TextDecoder().decode(stderr).trim()}`);
}

/** core/version.ts has this where the commit belongs. */
const COMMIT_MARK = "@COMMIT@";

/** Tells the bundle what it was made from; outside of a git checkout that stays unknown. */
function stampCommit(directory: string): void {
  const commit = git("rev-parse", "HEAD");
  if (commit === undefined) return;
  const stamp = git("status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}-dirty`;
  for (const { name } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`, text = Deno.readTextFileSync(path);
    if (text.includes(COMMIT_MARK)) Deno.writeTextFileSync(path, text.replaceAll(COMMIT_MARK, stamp));
  }
}

function git(...args: readonly string[]): string | undefined {
  try {
    const cwd = new URL(".", import.meta.url).pathname;
    const { success, stdout } = new Deno.Command("git", { args: [...args], cwd, stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}
