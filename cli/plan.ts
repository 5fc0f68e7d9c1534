/** `plan`: prints what `create` would do, without doing it. */

import { planBundle } from "../core/host/explain.ts";
import { goJson } from "../core/log.ts";
import { command } from "./command.ts";
import { CREATE_FLAGS, createOptions } from "./create_flags.ts";

const { bundle, config, "no-pivot": noPivot, "no-new-keyring": noNewKeyring, "preserve-fds": preserveFds } =
  CREATE_FLAGS;

export const plan = command({
  name: "plan",
  summary: "print the steps that would create a container",
  usage: "[container-id]",
  description: `Every system call of the container's init is printed, in its order and with the place in
config.json that asks for it. Nothing is done, and no rights are needed.`,
  flags: {
    bundle,
    config,
    "no-pivot": noPivot,
    "no-new-keyring": noNewKeyring,
    "preserve-fds": preserveFds,
    json: { kind: "bool", help: "print JSON" },
  },
  arity: { atLeast: 0, atMost: 1 },
  async run({ flags, args, host, print }) {
    const id = args[0] ?? "container";
    const none = { "console-socket": undefined, "pidfd-socket": undefined, "pid-file": undefined };
    const plan = await planBundle(createOptions({ flags: { ...flags, ...none }, args: [id], host }, false));
    print(flags.json ? `${goJson(plan.json(), 2)}\n` : plan.text());
    return 0;
  },
});
