/** The only place that opens the C library. Opening costs about 0.15 ms a symbol, so the table is short and rare symbols wait. */

const LIBC = "libc.so.6";

/** syscall(2) with six integers or addresses; every result that runo looks at fits in 32 bits. */
const CALL = {
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const SPAWN = {
  /** int posix_spawn(pid_t *pid, const char *path, file_actions, attr, char *const argv[], char *const envp[]) */
  posix_spawn: {
    parameters: ["buffer", "buffer", "pointer", "pointer", "buffer", "buffer"],
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
export const errnoCell: () => Int32Array = once(() =>
  new Int32Array(Deno.UnsafePointerView.getArrayBuffer(libc().__errno_location()!, 4))
);
