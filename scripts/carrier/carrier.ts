/** The executable without denort: deno itself, with a launcher and the bundle in one more segment. */

import { RunoError } from "../../core/error.ts";
import { NOFILE_VARIABLE } from "../../core/host/nofile.ts";
import type { Script } from "./bundle.ts";
import { Elf } from "./elf.ts";
import { LAUNCHER } from "./launcher_bytes.ts";
import { layOutPayload, MAIN_MODULE, NO_DIRECTORY } from "./payload.ts";
import { BASE, prelink } from "./prelink.ts";
import { type Launch, layOutBlob } from "./stub.ts";

/** The data base in which deno keeps what V8 has compiled, in its directory. */
export const CODE_CACHE_FILE = "v8_code_cache_v2";

/**
 * What V8 is told, for a program that ends after some milliseconds: no helper threads, no compiler to machine code (and with it
 * no memory that is writable and executable), no collection before it has allocated more than such a life needs.
 */
export const V8_FLAGS = "--single-threaded,--jitless,--min-semi-space-size=8";

/** Arguments with which deno evaluates a module as the carrier does: what V8 has compiled depends on its flags. */
export const DENO_ARGUMENTS: readonly string[] = [
  "run",
  "--allow-all",
  "--quiet",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--no-remote",
  "--cached-only",
  "--no-prompt",
  `--v8-flags=${V8_FLAGS}`,
];

/** Deno's directory: one of its own with this code cache, or an existing one. Without either, and where none can be made, none. */
export interface Home {
  readonly codeCache?: Uint8Array;
  readonly directory?: string;
  /** A main module instead of runo's own, and no longer: all else is where it is without it, but the code cache is not used. */
  readonly freezer?: string;
}

function launch({ codeCache = new Uint8Array(), directory = NO_DIRECTORY, freezer }: Home): Launch {
  return {
    arguments: DENO_ARGUMENTS,
    main: freezer?.padEnd(MAIN_MODULE.length) ?? MAIN_MODULE,
    // a directory where no file can be made: nothing is read from, or written to, anybody's home (npm's .npmrc)
    variables: ["DENO_NO_UPDATE_CHECK=1", "DENO_LOG=off", "HOME=/proc"],
    // what would change how Deno behaves, or make it speak
    dropped: ["HOME=", "DENO_", "NODE_", "NPM_CONFIG_", "OTEL_", "RUST_", `${NOFILE_VARIABLE}=`],
    nofileVariable: NOFILE_VARIABLE,
    directory: {
      prefix: "DENO_DIR=/proc/self/fd/",
      name: CODE_CACHE_FILE,
      content: codeCache,
      isMade: freezer === undefined,
      otherwise: `DENO_DIR=${directory}`,
    },
  };
}

/** The executable made of `deno` (an ELF executable of Linux) and the scripts. @throws {RunoError} */
export function makeCarrier(
  deno: Uint8Array,
  scripts: readonly Script[],
  home: Home = {},
): Uint8Array<ArrayBuffer> {
  const elf = new Elf(deno), payload = layOutPayload(scripts);
  const code = LAUNCHER[elf.arch];
  if (code.length % 8 !== 0) throw new RunoError("laying out the launcher: its table is not aligned");
  const executable = elf.withSegment((targets, address) =>
    layOutBlob(code, launch(home), { targets, address: BASE + address, payload })
  );
  prelink(executable, elf.arch);
  return executable;
}
