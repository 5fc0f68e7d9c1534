/** `state`: prints the state of a container. */

import { loadContainer, ociState } from "../core/host/container.ts";
import { goJson } from "../core/log.ts";
import { command } from "./command.ts";

export const state = command({
  name: "state",
  summary: "print the state of a container",
  usage: "<container-id>",
  description: "The state is a JSON object; its status is creating, created, running, paused or stopped.",
  flags: {},
  arity: { exactly: 1 },
  argument: "container",
  run({ host, args, print }) {
    print(goJson(ociState(loadContainer(host.root, args[0]!)), 2));
    return 0;
  },
});
