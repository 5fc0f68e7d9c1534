/** `deno task compile`: makes the executable dist/runo. */

import { bundle } from "./carrier/bundle.ts";
import { makeCarrier } from "./carrier/carrier.ts";
import { RunoError } from "../core/error.ts";

const ROOT = new URL("../", import.meta.url).pathname;
export const EXECUTABLE = `${ROOT}dist/runo`;

/** Makes `output` of the sources and the running Deno, and proves that it is runo. @throws {RunoError} */
export function compile(output: string): void {
  const scripts = bundle(`${ROOT}cli/main.ts`);
  Deno.mkdirSync(output.replace(/\/[^/]*$/, ""), { recursive: true });
  const partial = `${output}.partial`;
  Deno.writeFileSync(partial, makeCarrier(Deno.readFileSync(Deno.execPath()), scripts), { mode: 0o755 });
  Deno.chmodSync(partial, 0o755);
  proveItIsRuno(partial);
  Deno.renameSync(partial, output);
}

/** Deno exits with 0 and yields plain deno when DENORT_BIN is wrong: only what the result says of itself counts. */
function proveItIsRuno(executable: string): void {
  const { success, stdout } = new Deno.Command(executable, { args: ["--version"], clearEnv: true, cwd: "/" })
    .outputSync();
  const line = new TextDecoder().decode(stdout).split("\n")[0] ?? "";
  if (!success || !line.startsWith("runo version ")) {
    throw new RunoError(`compiling "${executable}": the result is not runo, it says ${JSON.stringify(line)}`);
  }
}

if (import.meta.main) {
  const start = performance.now();
  compile(EXECUTABLE);
  const { size } = Deno.statSync(EXECUTABLE);
  console.log(`dist/runo: ${(size / 1e6).toFixed(1)} MB in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
