/** `run`: makes a container and starts it; in the foreground stays until it has ended. */

import { runContainer } from "../core/host/foreground.ts";
import { command } from "./command.ts";
import { CREATE_FLAGS, createOptions } from "./create_flags.ts";

export const run = command({
  name: "run",
  summary: "create and start a container",
  usage: "<container-id>",
  description: `Without --detach the command lasts as long as the container, passes signals on to it, ends with
its exit code (128 and the signal's number when it was killed) and removes it.`,
  flags: {
    ...CREATE_FLAGS,
    detach: { kind: "bool", short: "d", help: "do not wait for the container's end" },
    keep: { kind: "bool", help: "do not remove the container after its end" },
    "no-subreaper": { kind: "bool", help: "do not adopt the orphans of the container" },
  },
  arity: { exactly: 1 },
  failure: { words: (program) => `${program} run failed` },
  run(invocation) {
    const { detach = false, keep = false, "no-subreaper": noSubreaper = false } = invocation.flags;
    return runContainer({ ...createOptions(invocation, detach), keep, noSubreaper });
  },
});
