/** The only place that opens the C library. Opening costs time, so the table is short and rare symbols wait. */

const LIBC = "libc.so.6";

/**
 * A word, as a structure of one. To the calling conventions of both architectures that is the same as the word, but Deno makes no
 * machine code for calls that have structures: it costs 0.3 ms a symbol, and pays after some thousands of calls.
 */
const WORD = { struct: ["i64"] } as const;

/** syscall(2) with its number and six integers or addresses; every result that runo looks at fits in 32 bits. */
const CALL = {
  syscall: { parameters: [WORD, "i64", "i64", "i64", "i64", "i64", "i64"], result: "i32" },
  __errno_location: { parameters: [], result: WORD },
} as const satisfies Deno.ForeignLibraryInterface;

const SPAWN = {
  /** int posix_spawn(pid_t *pid, const char *path, file_actions, attr, char *const argv[], char *const envp[]) */
  posix_spawn: {
    parameters: ["buffer", "buffer", WORD, WORD, "buffer", "buffer"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const WAITING = {
  /** The same syscall(2), on a thread of its own: for calls that block while signals must be heard. */
  syscallAsync: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"],
    result: "i32",
    nonblocking: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

/** The symbol that every system call of the host goes through, and errno behind it. */
export const libc: () => Deno.DynamicLibrary<typeof CALL>["symbols"] = once(() => Deno.dlopen(LIBC, CALL).symbols);

/** posix_spawn(3). */
export const libcSpawn: () => Deno.DynamicLibrary<typeof SPAWN>["symbols"] = once(() =>
  Deno.dlopen(LIBC, SPAWN).symbols
);

/** System calls that wait. */
export const libcWaiting: () => Deno.DynamicLibrary<typeof WAITING>["symbols"] = once(() =>
  Deno.dlopen(LIBC, WAITING).symbols
);

/** errno of the calling thread, as memory: it must be read in the expression after the call. */
export const errnoCell: () => Int32Array = once(() => {
  const address = new DataView(libc().__errno_location().buffer).getBigUint64(0, true);
  return new Int32Array(Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(address)!, 4));
});
