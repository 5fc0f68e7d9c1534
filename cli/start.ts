/** `start`: lets a created container execute its program. */

import { startContainer } from "../core/host/start.ts";
import { command } from "./command.ts";

export const start = command({
  name: "start",
  summary: "execute the program of a created container",
  usage: "<container-id>",
  flags: {},
  arity: { exactly: 1 },
  argument: "container",
  async run({ host, args }) {
    await startContainer(host, args[0]!, { notifySocket: Deno.env.get("NOTIFY_SOCKET") || undefined });
    return 0;
  },
});
