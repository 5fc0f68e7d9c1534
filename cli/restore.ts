/** `restore`: makes a container anew from the images of a checkpoint. */

import type { RestoreOptions } from "../criu/options.ts";
import { command, type Invocation } from "./command.ts";
import { BUNDLE_FLAG, createOptions, PID_FLAGS, TERMINAL_FLAGS } from "./create_flags.ts";
import { archived, CRIU_FLAGS, criuOptions, hasImages } from "./criu_flags.ts";
import type { Flags } from "./flags.ts";
import { optionalPath } from "./paths.ts";

const FLAGS = {
  ...CRIU_FLAGS,
  ...BUNDLE_FLAG,
  ...TERMINAL_FLAGS,
  "pid-file": PID_FLAGS["pid-file"],
  detach: { kind: "bool", short: "d", help: "do not wait for the container's end" },
  "no-subreaper": { kind: "bool", help: "do not adopt the orphans of the container" },
  "no-pivot": { kind: "bool", help: "accepted, and without effect: CRIU changes the root" },
  import: { kind: "text", help: "archive of a checkpoint, from checkpoint --export", value: "file" },
  "import-any-rootfs": {
    kind: "bool",
    help: "take a root file system that differs from that of the archived checkpoint",
  },
  "lsm-profile": { kind: "text", help: "security profile for the processes", value: "type:name" },
  "lsm-mount-context": { kind: "text", help: "SELinux context for the mounts" },
} as const satisfies Flags;

export const restore = command({
  name: "restore",
  summary: "restore a container from a checkpoint",
  usage: "<container-id>",
  description: `Without --detach the command lasts as long as the container, passes signals on to it, ends with
its exit code (128 and the signal's number when it was killed) and removes it.`,
  flags: FLAGS,
  arity: { exactly: 1 },
  async run(invocation) {
    const { flags } = invocation, options = restoreOptions(invocation);
    const archive = optionalPath(flags.import);
    // CRIU's messages take a while to load: no other command pays for that
    if (archive === undefined) {
      const { restoreContainer } = await import("../criu/restore.ts");
      return await restoreContainer(options);
    }
    const { importCheckpoint } = await import("../criu/archive/import.ts");
    const settings = { archive, keep: hasImages(flags), anyRootfs: flags["import-any-rootfs"] ?? false };
    return await importCheckpoint(archived(options, flags, archive), settings);
  },
});

function restoreOptions(invocation: Invocation<typeof FLAGS>): RestoreOptions {
  const { flags } = invocation;
  const same = {
    config: undefined,
    "pidfd-socket": undefined,
    "no-new-keyring": undefined,
    "preserve-fds": undefined,
  };
  return {
    ...createOptions({ ...invocation, flags: { ...flags, ...same } }, flags.detach ?? false),
    ...criuOptions(invocation),
    keep: false,
    noSubreaper: flags["no-subreaper"] ?? false,
    lsmProfile: flags["lsm-profile"] || undefined,
    lsmMountContext: flags["lsm-mount-context"] || undefined,
  };
}
