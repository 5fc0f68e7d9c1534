/** The launcher of the carrier: code that runs between ld.so and deno's own entry, and what it is told to do. */

import { Layout } from "../../ffi/structs.ts";
import { RunoError } from "../../core/error.ts";

/** What the launcher does to the command line and the environment before deno sees them. */
export interface Launch {
  /** Inserted after argv[0], in front of the main module. */
  readonly arguments: readonly string[];
  /** The main module without its end: the stub appends the payload's address in decimal, and ")". */
  readonly main: string;
  /** Entries added to the environment, `NAME=value`. */
  readonly variables: readonly string[];
  /** Entries that begin like one of these are taken out of the environment. */
  readonly dropped: readonly string[];
  /** Added to the environment with the soft RLIMIT_NOFILE in decimal as its value. */
  readonly nofileVariable: string;
}

/** Where things are in the executable, counted in bytes from the first byte of the stub. */
export interface Targets {
  /** The entry point that deno had. */
  readonly entry: bigint;
  /** The pointer to libc's `environ`: ld.so has set it before the stub runs. */
  readonly environ: bigint;
}

/** The table behind the stub's code. The `.s` files name the same fields. */
const TABLE = new Layout({
  entry: "u64",
  environ: "u64",
  arguments: "u64",
  argumentCount: "u64",
  variables: "u64",
  variableCount: "u64",
  dropped: "u64",
  nofile: "u64",
  nofileLength: "u64",
  main: "u64",
  mainLength: "u64",
  payload: "u64",
});

/** What the stub has room for on its stack: SCRATCH less a path, the digits, and its own few words. */
const SCRATCH_TEXT = 3072;

/**
 * The blob that is appended to deno: code, table, strings, payload. It is position independent and never written to.
 * Throws RunoError when the launch can not be said in C strings, or its main module is too long for the stub.
 */
export function layOutBlob(
  code: Uint8Array,
  launch: Launch,
  { targets, payload }: { readonly targets: Targets; readonly payload: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const start = code.length + TABLE.size;
  const pieces: Uint8Array[] = [];
  let end = start;
  const place = (bytes: Uint8Array): number => {
    const at = end;
    pieces.push(bytes);
    end += bytes.length;
    return at;
  };
  const main = new TextEncoder().encode(launch.main), nofile = new TextEncoder().encode(`${launch.nofileVariable}=`);
  if (main.length + nofile.length > SCRATCH_TEXT) {
    throw new RunoError("laying out the launcher: main module is too long");
  }
  const table = TABLE.pack({
    ...targets,
    arguments: place(stringList(launch.arguments)),
    argumentCount: launch.arguments.length + 1,
    variables: place(stringList(launch.variables)),
    variableCount: launch.variables.length + 1,
    dropped: place(stringList(launch.dropped)),
    nofile: place(nofile),
    nofileLength: nofile.length,
    main: place(main),
    mainLength: main.length,
    payload: place(payload),
  });
  const blob = new Uint8Array(end);
  blob.set(code);
  blob.set(table, code.length);
  pieces.reduce((at, piece) => (blob.set(piece, at), at + piece.length), start);
  return blob;
}

/** C strings one after the other, and an empty one at the end. */
function stringList(strings: readonly string[]): Uint8Array {
  const bad = strings.find((text) => text === "" || text.includes("\0"));
  if (bad !== undefined) throw new RunoError(`laying out the launcher: ${JSON.stringify(bad)} can not be in a list`);
  return new TextEncoder().encode(strings.map((text) => `${text}\0`).join("") + "\0");
}
