/** What `checkpoint` and `restore` have in common. */

import { type CriuOptions, parseCgroupsMode, parseEmptyNs } from "../criu/options.ts";
import type { Invocation } from "./command.ts";
import type { Flags } from "./flags.ts";
import { absolutePath, optionalPath } from "./paths.ts";

export const CRIU_FLAGS = {
  "image-path": {
    kind: "text",
    path: "directory",
    help: 'directory of the images (default: "checkpoint")',
    value: "dir",
  },
  "work-path": {
    path: "directory",
    kind: "text",
    help: "directory of CRIU's log and work files (default: that of the images)",
    value: "dir",
  },
  "tcp-established": { kind: "bool", help: "allow open TCP connections" },
  "ext-unix-sk": { kind: "bool", help: "allow UNIX sockets that lead out of the container" },
  "shell-job": { kind: "bool", help: "allow a session and a terminal from outside of the container" },
  "lazy-pages": { kind: "bool", help: "move memory pages when they are used, by userfaultfd(2)" },
  "file-locks": { kind: "bool", help: "allow file locks" },
  "manage-cgroups-mode": {
    kind: "text",
    help: "what becomes of cgroups: soft, full, strict or ignore (default: soft)",
    value: "mode",
    choices: ["soft", "full", "strict", "ignore"],
  },
  "empty-ns": { kind: "list", help: 'namespace that is made and left empty ("network")', value: "namespace" },
  stats: { kind: "bool", help: "print what it has cost, as JSON" },
  "auto-dedup": { kind: "bool", help: "keep each memory page in one image only" },
} as const satisfies Flags;

/** What the flags say. @throws {RunoError} */
export function criuOptions(
  { flags, host, criu, print }: Pick<Invocation<typeof CRIU_FLAGS>, "flags" | "host" | "criu" | "print">,
): CriuOptions {
  return {
    criu,
    imagePath: absolutePath(flags["image-path"] || "checkpoint"),
    workPath: optionalPath(flags["work-path"]),
    tcpEstablished: flags["tcp-established"] ?? false,
    extUnixSk: flags["ext-unix-sk"] ?? false,
    shellJob: flags["shell-job"] ?? false,
    fileLocks: flags["file-locks"] ?? false,
    autoDedup: flags["auto-dedup"] ?? false,
    lazyPages: flags["lazy-pages"] ?? false,
    manageCgroupsMode: parseCgroupsMode(flags["manage-cgroups-mode"]),
    emptyNs: parseEmptyNs(flags["empty-ns"]),
    debug: host.debug ?? (() => {}),
    stats: flags.stats ? (stats) => print(`${JSON.stringify(stats)}\n`) : undefined,
  };
}

/** Whether the command line names a directory for the images. */
export function hasImages(flags: Pick<Invocation<typeof CRIU_FLAGS>["flags"], "image-path">): boolean {
  return Boolean(flags["image-path"]);
}

/** The options of a checkpoint in an archive: its images are beside it for a while, unless they have a directory. */
export function archived<O extends CriuOptions>(
  options: O,
  flags: Parameters<typeof hasImages>[0],
  archive: string,
): O {
  return hasImages(flags) ? options : { ...options, imagePath: `${archive}.images-${Deno.pid}` };
}
