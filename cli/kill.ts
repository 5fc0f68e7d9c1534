/** `kill`: sends a signal to a container. */

import { parseSignal } from "../core/host/signal_names.ts";
import { killContainer } from "../core/host/kill.ts";
import { command } from "./command.ts";
import { forEachWanted, REGEX_FLAG } from "./many.ts";

export const kill = command({
  name: "kill",
  summary: "send a signal to the first process of a container",
  usage: "<container-id> [signal]",
  description: 'The signal is a number or a name, with or without "SIG", in upper or lower case; SIGTERM unless given.',
  flags: {
    ...REGEX_FLAG,
    all: { kind: "bool", short: "a", help: "send the signal to every process of the container" },
  },
  arity: { atLeast: 1, atMost: 2 },
  argument: "container",
  async run({ host, args: [id, signal = "SIGTERM"], flags }) {
    const number = parseSignal(signal);
    await forEachWanted({ root: host.root, id: id!, regex: flags.regex }, (each) => {
      killContainer(host, each, number, { all: flags.all ?? false });
    });
    return 0;
  },
});
