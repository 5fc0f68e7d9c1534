/** The launcher of the carrier: code that runs between ld.so and deno's own entry, and what it is told to do. */

import { Layout } from "../../ffi/structs.ts";
import { RunoError } from "../../core/error.ts";

/** What the launcher does to the command line and the environment before deno sees them. */
export interface Launch {
  /** Inserted after argv[0]. */
  readonly arguments: readonly string[];
  /** The main module, which follows them, without its end: the payload's address in decimal, and ")". */
  readonly main: string;
  /** Entries added to the environment, `NAME=value`. */
  readonly variables: readonly string[];
  /** Entries that begin like one of these are taken out of the environment. */
  readonly dropped: readonly string[];
  /** Added to the environment with the soft RLIMIT_NOFILE in decimal as its value. */
  readonly nofileVariable: string;
  /**
   * An entry of the environment that names a directory. Where the process may mount, that is a file system of its own, in no
   * tree of mounts, named by the prefix and a descriptor in decimal; it has the content in a file of that name.
   */
  readonly directory: {
    readonly prefix: string;
    readonly name: string;
    readonly content: Uint8Array;
    /** Whether it is ever made. */
    readonly isMade: boolean;
    /** The entry when there is no content, or the process may not mount. */
    readonly otherwise: string;
  };
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
  directory: "u64",
  directoryLength: "u64",
  noDirectory: "u64",
  content: "u64",
  contentLength: "u64",
  contentName: "u64",
});

/** What the stub has room for on its stack: SCRATCH less a path, the digits, and its own few words. */
const SCRATCH_TEXT = 3072;

/**
 * The blob that is appended to deno, to be loaded at `address`: code, table, payload, strings. It is never written to.
 * Throws RunoError when the launch can not be said in C strings, or what it adds is too long for the stub.
 */
export function layOutBlob(
  code: Uint8Array,
  launch: Launch,
  { targets, address, payload }: {
    readonly targets: Targets;
    readonly address: bigint;
    readonly payload: Uint8Array;
  },
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
  const main = `${launch.main}${address + BigInt(place(payload))})`;
  const { directory, variables } = launch, args = [...launch.arguments, main];
  const prefix = new TextEncoder().encode(directory.prefix);
  const nofile = new TextEncoder().encode(`${launch.nofileVariable}=`);
  if (prefix.length + nofile.length > SCRATCH_TEXT) throw new RunoError("laying out the launcher: names are too long");
  const table = TABLE.pack({
    ...targets,
    arguments: place(stringList(args)),
    argumentCount: args.length,
    variables: place(stringList(variables)),
    variableCount: variables.length + 2,
    dropped: place(stringList(launch.dropped)),
    nofile: place(nofile),
    nofileLength: nofile.length,
    directory: place(prefix),
    directoryLength: prefix.length,
    noDirectory: place(stringList([directory.otherwise])),
    content: place(directory.content),
    contentLength: directory.isMade ? directory.content.length : 0,
    contentName: place(stringList([directory.name])),
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
