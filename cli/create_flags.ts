/** What `create` and `run` have in common. */

import type { CreateOptions } from "../core/host/options.ts";
import { listenFds } from "./caller.ts";
import type { Invocation } from "./command.ts";
import type { Flags } from "./flags.ts";
import { optionalPath, realDirectory } from "./paths.ts";

export const BUNDLE_FLAG = {
  bundle: { kind: "text", path: "directory", short: "b", help: "the bundle's directory (default: the current one)" },
} as const satisfies Flags;

export const CONFIG_FLAG = {
  config: { kind: "text", path: "file", short: "f", help: "another file to read than the bundle's config.json" },
} as const satisfies Flags;

export const TERMINAL_FLAGS = {
  "console-socket": { kind: "text", path: "file", help: "UNIX socket that is sent the master of the terminal" },
} as const satisfies Flags;

export const PID_FLAGS = {
  "pidfd-socket": { kind: "text", path: "file", help: "UNIX socket that is sent a pidfd of the process" },
  "pid-file": { kind: "text", path: "file", help: "file that the process id is written to" },
} as const satisfies Flags;

export const PRESERVE_FLAG = {
  "preserve-fds": { kind: "integer", help: "number of descriptors to pass on, after stdio and those of LISTEN_FDS" },
} as const satisfies Flags;

export const CREATE_FLAGS = {
  ...BUNDLE_FLAG,
  ...CONFIG_FLAG,
  ...TERMINAL_FLAGS,
  ...PID_FLAGS,
  "no-pivot": { kind: "bool", help: "change the root without pivot_root(2), for a root file system on a ramdisk" },
  "no-new-keyring": { kind: "bool", help: "let the container keep the caller's session keyring" },
  ...PRESERVE_FLAG,
} as const satisfies Flags;

/** The options of a container that is to be made. */
export function createOptions(
  { flags, args, host }: Pick<Invocation<typeof CREATE_FLAGS>, "flags" | "args" | "host">,
  detach: boolean,
): CreateOptions {
  const config = optionalPath(flags.config), pidFile = optionalPath(flags["pid-file"]);
  const notifySocket = Deno.env.get("NOTIFY_SOCKET");
  const pidfdSocket = optionalPath(flags["pidfd-socket"]);
  return {
    ...host,
    id: args[0]!,
    bundle: realDirectory(flags.bundle || undefined),
    ...config === undefined ? {} : { config },
    consoleSocket: optionalPath(flags["console-socket"]),
    ...pidfdSocket === undefined ? {} : { pidfdSocket },
    ...pidFile === undefined ? {} : { pidFile },
    noPivot: flags["no-pivot"] ?? false,
    noNewKeyring: flags["no-new-keyring"] ?? false,
    preserveFds: flags["preserve-fds"] ?? 0,
    listenFds: listenFds(),
    ...notifySocket ? { notifySocket } : {},
    detach,
  };
}
