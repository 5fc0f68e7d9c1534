/** `pause`: freezes all processes of a container. */

import { pauseContainer } from "../core/host/pause.ts";
import { command } from "./command.ts";

export const pause = command({
  name: "pause",
  summary: "freeze all processes of a container",
  usage: "<container-id>",
  flags: {},
  arity: { exactly: 1 },
  argument: "container",
  run({ host, args }) {
    pauseContainer(host, args[0]!);
    return 0;
  },
});
