/**
 * The sources as a set of scripts. Each literal `import("./file.ts")` in the sources starts a script of its own, which is
 * evaluated when the import is met, and not before; what several need in common becomes a script too (`deno bundle --code-splitting`).
 * They are scripts for indirect eval, because Deno parses modules itself before V8 does: 110 KB cost 14 ms as a module, 6 ms as a script.
 */

import { RunoError } from "../../core/error.ts";

/** A script: an expression whose value is a function from `load` (name -> exports) and `later` (the same, as a promise) to exports. */
export interface Script {
  readonly name: string;
  readonly text: string;
}

/** The names that the scripts' parameters have; a minifier makes none this long. */
const LOAD = "__load", LATER = "__later";

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
    for (const { name } of Deno.readDirSync(readable)) {
      const path = `${readable}/${name}`;
      Deno.writeTextFileSync(path, keepDisposals(Deno.readTextFileSync(path)));
    }
    denoBundle(directory, `${readable}/${mainOf(entry)}`, ["--minify"]);
  } finally {
    Deno.removeSync(readable, { recursive: true });
  }
  stampCommit(directory);
}

/** What the entry's script is called. */
function mainOf(entry: string): string {
  return `${entry.replace(/^.*\//, "").replace(/\.ts$/, "")}.js`;
}

function denoBundle(directory: string, entry: string, how: readonly string[]): void {
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...how, "--code-splitting", "--platform=deno", `--outdir=${directory}`, entry],
  }).outputSync();
  if (!success) throw new RunoError(`bundling "${entry}": ${new TextDecoder().decode(stderr).trim()}`);
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
    const loaded = `${LOAD}("${found[2]}")`;
    imports.push(found[1] === undefined ? `${loaded};` : `const{${found[1].replaceAll(" as ", ":")}}=${loaded};`);
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
  return `(${isEntry ? "async" : ""}(${LOAD},${LATER})=>{${imports.join("")}${body}\nreturn{${result}}})`;
}
