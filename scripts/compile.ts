/**
 * `deno task compile`: makes the executable dist/runo.
 *
 *     deno task compile [--output FILE] [--deno FILE]
 *
 * `--deno` names the deno to carry the bundle, of another architecture perhaps; the default is the one that runs this.
 * Where denort is at hand (DENORT_BIN, or in Deno's cache), `deno compile` makes the executable if the result is as good.
 */

import { parseArgs } from "@std/cli/parse-args";

import { messageOf, RunoError } from "../core/error.ts";
import { bundle, bundleInto, type Script } from "./carrier/bundle.ts";
import { makeCarrier, V8_FLAGS } from "./carrier/carrier.ts";
import { makeCodeCache } from "./carrier/code_cache.ts";
import { Elf } from "./carrier/elf.ts";
import { makeFrozen, type Parts } from "./carrier/frozen/executable.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const MAIN = `${ROOT}cli/main.ts`;
/** What the tests, the benchmark and the demonstration run. */
export const EXECUTABLE: string = `${ROOT}dist/runo`;

/** How it was made. */
export type Method = "denort" | "carrier";

/** Makes `output` of the sources and a deno, and proves that it is runo. @throws {RunoError} */
export function compile(output: string, deno: string = Deno.execPath()): Method {
  Deno.mkdirSync(new URL(".", `file://${output}`).pathname, { recursive: true });
  const partial = `${output}.partial`;
  const method = deno === Deno.execPath() && hasDenort() && tryDenort(partial) ? "denort" : carrier(partial, deno);
  Deno.renameSync(partial, output);
  return method;
}

/** Makes dist/runo unless it is younger than everything that it is made of. @throws {RunoError} */
export function compileIfOld(): void {
  const parts = ["cli", "core", "criu", "ffi", "scripts/carrier", "deno.json"].map((name) => `${ROOT}${name}`);
  const made = modified(EXECUTABLE);
  if (parts.some((path) => newest(path) >= made)) compile(EXECUTABLE);
}

/** When a file was written last, or the youngest file below a directory; 0 when there is none. */
function newest(path: string): number {
  const below = statOf(path)?.isDirectory ? Array.from(Deno.readDirSync(path), ({ name }) => `${path}/${name}`) : [];
  return Math.max(modified(path), ...below.map(newest));
}

function modified(path: string): number {
  return statOf(path)?.mtime?.getTime() ?? 0;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

function carrier(output: string, deno: string): Method {
  const bytes = Deno.readFileSync(deno), scripts = bundle(MAIN);
  const isNative = new Elf(bytes).arch === Deno.build.arch;
  const executable = isNative ? makeReady(deno, bytes, scripts) : makeCarrier(bytes, scripts);
  Deno.writeFileSync(output, executable);
  Deno.chmodSync(output, 0o755);
  if (isNative) proveItIsRuno(output);
  return "carrier";
}

/** An executable that starts at once: with what V8 has compiled, and with a process that has started already where it can be had. */
function makeReady(deno: string, bytes: Uint8Array, scripts: readonly Script[]): Uint8Array {
  const work = Deno.makeTempDirSync({ prefix: "runo-ready-" });
  try {
    const codeCache = makeCodeCache(deno, scripts, work);
    const frozen = Deno.build.arch === "x86_64" && tryFrozen({ deno: bytes, scripts, codeCache, work });
    return frozen || makeCarrier(bytes, scripts, { codeCache });
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

function tryFrozen(parts: Parts): Uint8Array | undefined {
  try {
    return makeFrozen(parts);
  } catch (error) {
    console.log(`no frozen process is used: ${messageOf(error)}`);
    return undefined;
  }
}

/** True when `deno compile` would find denort without a network. */
function hasDenort(): boolean {
  if (Deno.env.get("DENORT_BIN")) return true;
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  try {
    Deno.statSync(`${cache}/dl/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`);
    return true;
  } catch {
    return false;
  }
}

function tryDenort(output: string): boolean {
  const directory = Deno.makeTempDirSync({ prefix: "runo-bundle-" });
  try {
    bundleInto(directory, MAIN);
    const { success, stderr } = new Deno.Command(Deno.execPath(), {
      args: [
        // the code cache would be a file of a known name in /tmp, executed without a look at its owner
        ...["compile", "--quiet", "--no-config", "--no-check", "--no-code-cache", "--allow-all"],
        ...[`--v8-flags=${V8_FLAGS}`, `--output=${output}`, `${directory}/main.js`],
      ],
      env: { NO_COLOR: "1" },
    }).outputSync();
    const said = new TextDecoder().decode(stderr).split("\n").filter((line) => /\w/.test(line)).slice(0, 4).join(" ");
    if (!success) throw new RunoError(`deno compile: ${said}`);
    proveItIsRuno(output);
    return true;
  } catch (error) {
    console.log(`denort is not used: ${messageOf(error)}`);
    return false;
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/**
 * `deno compile` exits with 0 and yields plain deno when DENORT_BIN is wrong: only what the result says of itself counts.
 * It must say it in a directory that is gone, and in an environment that is meant for some deno, but not for this one.
 */
function proveItIsRuno(executable: string): void {
  const { success, stdout, stderr } = new Deno.Command("/bin/sh", {
    args: ["-c", 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$0" --version', executable],
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", DENO_DIR: "/dev/null/x", DENO_V8_FLAGS: "--no-such-flag", RUST_LOG: "trace" },
  }).outputSync();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success && out!.startsWith("runo version ") && err === "") return;
  throw new RunoError(`running "${executable}" --version: it is not runo, it says ${JSON.stringify(`${out}${err}`)}`);
}

if (import.meta.main) {
  const { output, deno } = parseArgs(Deno.args, { string: ["output", "deno"], default: { output: EXECUTABLE } });
  const start = performance.now();
  const method = compile(new URL(output, `file://${Deno.cwd()}/`).pathname, deno);
  const { size } = Deno.statSync(output);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${output}: ${(size / 1e6).toFixed(1)} MB in ${seconds} s (${method})`);
}
