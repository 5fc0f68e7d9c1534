/** The executable without denort: deno itself, with a launcher and the bundle in one more segment. */

import { RunoError } from "../../core/error.ts";
import { NOFILE_VARIABLE } from "../../core/host/nofile.ts";
import type { Script } from "./bundle.ts";
import { Elf } from "./elf.ts";
import { LAUNCHER } from "./launcher_bytes.ts";
import { layOutPayload, MAIN_MODULE } from "./payload.ts";
import { prelink } from "./prelink.ts";
import { type Launch, layOutBlob } from "./stub.ts";

/**
 * What V8 is told, for a program that ends after some milliseconds: no helper threads, no compiler to machine code (and with it
 * no memory that is writable and executable), no collection before it has allocated more than such a life needs.
 */
export const V8_FLAGS = "--single-threaded,--jitless,--min-semi-space-size=8";

const LAUNCH: Launch = {
  arguments: [
    "run",
    "--allow-all",
    "--quiet",
    "--no-config",
    "--no-lock",
    "--no-npm",
    "--no-remote",
    "--cached-only",
    "--no-prompt",
    "--no-code-cache",
    `--v8-flags=${V8_FLAGS}`,
  ],
  main: MAIN_MODULE,
  // directories where no file can be made: nothing is read from, or written to, anybody's home (npm's .npmrc; Deno's caches)
  variables: ["DENO_NO_UPDATE_CHECK=1", "DENO_DIR=/dev/null/deno", "DENO_LOG=off", "HOME=/proc"],
  // what would change how Deno behaves, or make it speak
  dropped: ["HOME=", "DENO_", "NODE_", "NPM_CONFIG_", "OTEL_", "RUST_", `${NOFILE_VARIABLE}=`],
  nofileVariable: NOFILE_VARIABLE,
};

/** The executable made of `deno` (an ELF executable of Linux) and the scripts. @throws {RunoError} */
export function makeCarrier(deno: Uint8Array, scripts: readonly Script[]): Uint8Array<ArrayBuffer> {
  const elf = new Elf(deno), payload = layOutPayload(scripts);
  const code = LAUNCHER[elf.arch];
  if (code.length % 8 !== 0) throw new RunoError("laying out the launcher: its table is not aligned");
  const executable = elf.withSegment((targets) => layOutBlob(code, LAUNCH, { targets, payload }));
  prelink(executable, elf.arch);
  return executable;
}
