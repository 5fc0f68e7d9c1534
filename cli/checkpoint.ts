/** `checkpoint`: saves a running container as images. */

import { type CheckpointOptions, parsePageServer, parseStatusFd } from "../criu/options.ts";
import { command, type Invocation } from "./command.ts";
import { archived, CRIU_FLAGS, criuOptions, hasImages } from "./criu_flags.ts";
import type { Flags } from "./flags.ts";
import { optionalPath } from "./paths.ts";

const FLAGS = {
  ...CRIU_FLAGS,
  "parent-path": {
    kind: "text",
    path: "directory",
    help: "images of the last pre-dump, relative to those to be made",
    value: "dir",
  },
  "leave-running": { kind: "bool", help: "let the container run on" },
  "pre-dump": { kind: "bool", help: "save memory only, and let the container run on" },
  "page-server": {
    kind: "text",
    help: "where memory pages are sent to, or fetched from with --lazy-pages",
    value: "address:port",
  },
  "status-fd": { kind: "text", help: "descriptor or file that gets a NUL byte once lazy pages can be fetched" },
  "tcp-skip-in-flight": { kind: "bool", help: "leave out TCP connections that are being accepted" },
  export: { kind: "text", help: "file to write the checkpoint to, with a manifest, as a tar archive", value: "file" },
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
    const archive = optionalPath(invocation.flags.export);
    // CRIU's messages take a while to load: no other command pays for that
    if (archive === undefined) {
      const { checkpointContainer } = await import("../criu/checkpoint.ts");
      await checkpointContainer(options);
    } else {
      const { exportCheckpoint } = await import("../criu/archive/export.ts");
      await exportCheckpoint(archived(options, invocation.flags, archive), {
        archive,
        keep: hasImages(invocation.flags),
      });
    }
    return 0;
  },
});

function checkpointOptions(invocation: Invocation<typeof FLAGS>): CheckpointOptions {
  const { flags, args, host } = invocation;
  const { "page-server": pageServer, "status-fd": statusFd } = flags;
  return {
    ...host,
    ...criuOptions(invocation),
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
