/** Who called, and how. */

/** How the program was called. */
export interface Caller {
  /** argv[0], whole. */
  readonly argv0: string;
  /** "runc" when called so, else "runo". */
  readonly program: string;
}

/** Looks at argv[0]. Deno itself does not tell it. */
export function findCaller(): Caller {
  const [argv0 = ""] = commandLine().split("\0", 1);
  const base = argv0.slice(argv0.lastIndexOf("/") + 1);
  // `deno run cli/main.ts`
  if (argv0 === "" || base === "deno") return { argv0: "runo", program: "runo" };
  return { argv0, program: base === "runc" ? "runc" : "runo" };
}

/** "" without /proc: then the commands themselves say what is missing. */
function commandLine(): string {
  try {
    return Deno.readTextFileSync("/proc/self/cmdline");
  } catch {
    return "";
  }
}

/** Number of descriptors that a service manager passes, sd_listen_fds(3); those for another process do not count. */
export function listenFds(): number {
  const count = Number(Deno.env.get("LISTEN_FDS") ?? 0);
  if (Deno.env.get("LISTEN_PID") !== String(Deno.pid)) return 0;
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
