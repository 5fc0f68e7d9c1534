/** `checkpoint`: saves a running container as images. */

import { type CheckpointOptions, parsePageServer, parseStatusFd } from "../criu/options.ts";
import { command, type Invocation } from "./command.ts";
import { CRIU_FLAGS, criuOptions } from "./criu_flags.ts";
import type { Flags } from "./flags.ts";

const FLAGS = {
  ...CRIU_FLAGS,
  "parent-path": { kind: "text", help: "images of the last pre-dump, relative to those to be made", value: "dir" },
  "leave-running": { kind: "bool", help: "let the container run on" },
  "pre-dump": { kind: "bool", help: "save memory only, and let the container run on" },
  "page-server": {
    kind: "text",
    help: "where memory pages are sent to, or fetched from with --lazy-pages",
    value: "address:port",
  },
  "status-fd": { kind: "text", help: "descriptor or file that gets a NUL byte once lazy pages can be fetched" },
  "tcp-skip-in-flight": { kind: "bool", help: "leave out TCP connections that are being accepted" },
  "link-remap": { kind: "bool", help: "allow unlinked files, by giving them a name again" },
} as const satisfies Flags;

export const checkpoint = command({
  name: "checkpoint",
  summary: "save a running container",
  usage: "<container-id>",
  description: 'The container ends, unless told otherwise, and is removed; "restore" makes it anew from the images.',
  flags: FLAGS,
  arity: { exactly: 1 },
  async run(invocation) {
    const options = checkpointOptions(invocation);
    // CRIU's messages take a while to load: no other command pays for that
    const { checkpointContainer } = await import("../criu/checkpoint.ts");
    await checkpointContainer(options);
    return 0;
  },
});

function checkpointOptions({ flags, args, host, criu }: Invocation<typeof FLAGS>): CheckpointOptions {
  const { "page-server": pageServer, "status-fd": statusFd } = flags;
  return {
    ...host,
    ...criuOptions({ flags, host, criu }),
    id: args[0]!,
    parentPath: flags["parent-path"] || undefined,
    leaveRunning: flags["leave-running"] ?? false,
    preDump: flags["pre-dump"] ?? false,
    tcpSkipInFlight: flags["tcp-skip-in-flight"] ?? false,
    linkRemap: flags["link-remap"] ?? false,
    statusFd: statusFd ? parseStatusFd(statusFd) : undefined,
    pageServer: pageServer ? parsePageServer(pageServer) : undefined,
  };
}
