/** `list`: prints the containers below the root. */

import { type ContainerState, listContainers } from "../core/host/container.ts";
import { RunoError } from "../core/error.ts";
import { goJson } from "../core/log.ts";
import { command } from "./command.ts";
import { FORMAT_FLAG } from "./formats.ts";
import { textTable } from "./table.ts";

export const list = command({
  name: "list",
  summary: "list the containers below the root",
  usage: "",
  flags: {
    ...FORMAT_FLAG,
    quiet: { kind: "bool", short: "q", help: "print nothing but ids" },
  },
  arity: { exactly: 0 },
  run({ host, flags, givenRoot, print, complain }) {
    if (givenRoot !== undefined) checkRoot(host.root);
    const states: ContainerState[] = [];
    for (const entry of listContainers(host.root)) {
      if ("state" in entry) states.push(entry.state);
      else complain(entry.error.message);
    }
    if (flags.quiet) print(states.map(({ id }) => `${id}\n`).join(""));
    else print(formatted(states, flags.format ?? "table"));
    return 0;
  },
});

function formatted(states: readonly ContainerState[], format: string): string {
  if (format === "json") return `${goJson(states.length === 0 ? null : states)}\n`;
  if (format !== "table") throw new RunoError("invalid format option", { kind: "invalid", hint: "table or json" });
  const rows = states.map((state) => [state.id, state.pid, state.status, state.bundle, state.created, state.owner]);
  return textTable([["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], ...rows]);
}

/** Without containers there may be no default root, but one that is named should be there. */
function checkRoot(root: string): void {
  try {
    Deno.statSync(root);
  } catch (error) {
    throw new RunoError(`reading root "${root}"`, { cause: error });
  }
}
