/** `ps`: prints the processes of a container. */

import { RunoError } from "../core/error.ts";
import { processTable } from "../core/host/process_table.ts";
import { containerPids } from "../core/host/processes.ts";
import { command } from "./command.ts";
import { FORMAT_FLAG } from "./formats.ts";

export const ps = command({
  name: "ps",
  summary: "print the processes of a container",
  usage: "<container-id> [ps options]",
  description:
    'The table is that of the host\'s ps ("ps -ef" unless options are given); json is a list of process ids.',
  flags: FORMAT_FLAG,
  arity: { atLeast: 1 },
  argument: "container",
  verbatim: true,
  run({ host, args: [id, ...options], flags: { format = "table" }, print }) {
    const pids = containerPids(host, id!);
    if (format === "json") print(`${JSON.stringify(pids.length === 0 ? null : pids)}\n`);
    else if (format === "table") print(processTable(pids, options.length === 0 ? ["-ef"] : options));
    else throw new RunoError("invalid format option", { kind: "invalid", hint: "table or json" });
    return 0;
  },
});
