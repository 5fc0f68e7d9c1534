/** `spec`: writes a config.json to start from. */

import { effectiveIds } from "../core/host/credentials.ts";
import { readLayout } from "../core/cgroup/layout.ts";
import { errnoOf, RunoError } from "../core/error.ts";
import { defaultSpec, formatSpec, rootlessSpec } from "../core/spec/defaults.ts";
import { command } from "./command.ts";
import { BUNDLE_FLAG } from "./create_flags.ts";
import { absolutePath } from "./paths.ts";

export const spec = command({
  name: "spec",
  summary: "write a config.json to start from",
  usage: "",
  description: 'The config runs "sh" on a terminal, in a root file system "rootfs" beside it.',
  flags: {
    ...BUNDLE_FLAG,
    rootless: { kind: "bool", help: "a config for a user without privileges" },
  },
  arity: { exactly: 0 },
  run({ flags }) {
    const base = defaultSpec({ cgroupV2: readLayout().kind === "v2" });
    writeNew(absolutePath(flags.bundle || "."), formatSpec(flags.rootless ? forUser(base) : base));
    return 0;
  },
});

function forUser(base: ReturnType<typeof defaultSpec>) {
  const { euid, egid } = effectiveIds();
  return rootlessSpec(base, { uid: euid, gid: egid });
}

function writeNew(directory: string, text: string): void {
  const path = `${directory}/config.json`;
  try {
    // a mode that is named would be set whatever the umask says
    Deno.writeTextFileSync(path, text, { createNew: true });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      throw new RunoError("File config.json exists. Remove it first", { kind: "exists" });
    }
    throw new RunoError(`writing "${path}"`, { cause: error });
  }
}
