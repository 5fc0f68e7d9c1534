/** `events`: prints what a container uses, and when its memory runs out. */

import { RunoError } from "../core/error.ts";
import { type ContainerEvent, containerEvents, containerStats } from "../core/host/events.ts";
import { formatEvent } from "../core/host/stats_json.ts";
import { command } from "./command.ts";
import { UsageTable } from "./usage_table.ts";

const INTERVAL_MS = 5000;

export const events = command({
  name: "events",
  summary: "print what a container uses, and when its memory runs out",
  usage: "<container-id>",
  description: "Each event is a line of JSON; the command ends when the container has.",
  flags: {
    interval: { kind: "duration", help: 'time between two records of usage (default: "5s")' },
    stats: { kind: "bool", help: "print the usage once" },
    format: {
      kind: "text",
      short: "f",
      help: 'format: "json" or "table" (default: "json")',
      choices: ["json", "table"],
    },
  },
  arity: { exactly: 1 },
  argument: "container",
  async run({ host, args: [id], flags, print }) {
    const line = formatter(flags.format ?? "json");
    if (flags.stats) {
      print(line({ type: "stats", id: id!, data: containerStats(host, id!) }));
      return 0;
    }
    const intervalMs = flags.interval ?? INTERVAL_MS;
    for await (const event of containerEvents(host, id!, { intervalMs })) print(line(event));
    return 0;
  },
});

function formatter(format: string): (event: ContainerEvent) => string {
  if (format === "json") return (event) => `${formatEvent(event)}\n`;
  if (format !== "table") throw new RunoError("invalid format option", { kind: "invalid", hint: "json or table" });
  const table = new UsageTable();
  return (event) => table.lines(event, performance.now());
}
