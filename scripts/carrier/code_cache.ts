/**
 * What V8 has compiled of the scripts, as the data base that Deno keeps it in: with it a command starts without a compiler,
 * run(1) in two thirds of the time. Deno itself makes the data base, and so its keys; but it asks V8 right when a script is
 * compiled first, when of most functions there is only the beginning. So the scripts are run, and V8 is asked after that.
 */

import { DatabaseSync } from "node:sqlite";

import { RunoError } from "../../core/error.ts";
import { layOutLives } from "../fixtures/life.ts";
import type { Script } from "./bundle.ts";
import { CODE_CACHE_FILE, DENO_ARGUMENTS, makeCarrier } from "./carrier.ts";

/** More than any of the commands takes. */
const SECONDS = "30";
const WARM_UP = new URL("warm_up.ts", import.meta.url).pathname;

/**
 * Makes the data base for the scripts in the executable of a deno that this machine can run. Containers live and die for it;
 * where they can not, less is compiled in advance.
 * @param work an empty directory, where what V8 has compiled of a script `name` stays as `name.compiled`, and the scripts themselves
 * @throws {RunoError}
 */
export function makeCodeCache(deno: string, scripts: readonly Script[], work: string): Uint8Array {
  Deno.writeTextFileSync(`${work}/scripts.json`, JSON.stringify(scripts));
  recordKeys(work, deno, scripts);
  warmUp(work, deno);
  return putTogether(work, scripts);
}

/** Lets an executable without code cache live the lives: Deno records what it evaluates, scripts of its own among it. */
function recordKeys(work: string, deno: string, scripts: readonly Script[]): void {
  const recorder = `${work}/recorder`;
  Deno.writeFileSync(recorder, makeCarrier(Deno.readFileSync(deno), scripts, { directory: `${work}/deno` }));
  Deno.chmodSync(recorder, 0o755);
  live(work, (args) => run(work, recorder, args));
  if (!run(work, deno, [...DENO_ARGUMENTS, WARM_UP])) throw new RunoError(`making the code cache: "${deno}" fails`);
}

function warmUp(work: string, deno: string): void {
  live(work, (args) => run(work, deno, [...DENO_ARGUMENTS, "--no-code-cache", WARM_UP, ...args]));
}

function live(work: string, runo: (args: readonly string[]) => void): void {
  const lives = `${work}/lives`;
  for (const command of layOutLives(lives, `runo-code-cache-${Deno.pid}`)) {
    runo(["--root", `${work}/state`, ...command]);
  }
  Deno.removeSync(lives, { recursive: true });
}

/** True if it succeeds. CRIU may never come back from a kernel that it does not know. */
function run(work: string, program: string, args: readonly string[]): boolean {
  const env = { RUNO_WARM_UP: work, DENO_DIR: `${work}/deno`, DENO_NO_UPDATE_CHECK: "1" };
  const stdio = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return new Deno.Command("timeout", { args: ["-k", "5", SECONDS, program, ...args], env, ...stdio }).outputSync()
    .success;
}

function putTogether(work: string, scripts: readonly Script[]): Uint8Array {
  const file = `${work}/deno/${CODE_CACHE_FILE}`, database = new DatabaseSync(file);
  // this program's own module
  database.exec("DELETE FROM codecache WHERE specifier LIKE 'file:%'");
  const update = database.prepare("UPDATE codecache SET data = ? WHERE specifier = ?");
  const compiled = new Set(Array.from(Deno.readDirSync(work), ({ name }) => name));
  for (const name of scripts.map((script) => script.name).filter((name) => compiled.has(`${name}.compiled`))) {
    const { changes } = update.run(Deno.readFileSync(`${work}/${name}.compiled`), `runo:${name}`);
    if (changes !== 1) throw new RunoError(`making the code cache: Deno has not kept "${name}"`);
  }
  database.exec("VACUUM");
  database.close();
  return Deno.readFileSync(file);
}
