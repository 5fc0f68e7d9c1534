/** `update`: changes the limits of a container. */

import { RunoError } from "../core/error.ts";
import { updateContainer } from "../core/host/update.ts";
import { parseResources } from "../core/spec/parse_resources.ts";
import type { Resources } from "../core/spec/types.ts";
import { command } from "./command.ts";
import type { Flags, Values } from "./flags.ts";
import { absolutePath } from "./paths.ts";
import { parseSize } from "./size.ts";

const FLAGS = {
  resources: {
    kind: "text",
    short: "r",
    path: "file",
    help:
      'JSON file like "linux.resources" of config.json, "-" for stdin; then the other flags for cgroups do not count',
  },
  "blkio-weight": { kind: "integer", help: "weight of block I/O, from 10 to 1000" },
  "cpu-period": { kind: "text", help: "period of the CPU quota, in microseconds" },
  "cpu-quota": { kind: "text", help: "CPU time in each period, in microseconds; -1 for no limit" },
  "cpu-burst": { kind: "text", help: "unused CPU time that may be saved up, in microseconds" },
  "cpu-share": { kind: "text", help: "weight of the CPU time" },
  "cpu-rt-period": { kind: "text", help: "period of the real-time quota, in microseconds" },
  "cpu-rt-runtime": { kind: "text", help: "real-time CPU time in each period, in microseconds" },
  "cpu-idle": { kind: "text", help: "1: run only when the CPU is idle (SCHED_IDLE), 0: normally", choices: ["0", "1"] },
  "cpuset-cpus": { kind: "text", help: "CPUs that may be used: 0-3,7" },
  "cpuset-mems": { kind: "text", help: "memory nodes that may be used" },
  "kernel-memory": { kind: "text", help: "accepted, and without effect", hidden: true },
  "kernel-memory-tcp": { kind: "text", help: "accepted, and without effect", hidden: true },
  memory: { kind: "text", help: "memory, in bytes or with a suffix (512M); -1 for no limit" },
  "memory-reservation": { kind: "text", help: "memory that is left to the container when there is little" },
  "memory-swap": { kind: "text", help: "memory and swap together; -1 for no limit" },
  "pids-limit": { kind: "integer", help: "number of processes; -1 for no limit" },
  "l3-cache-schema": { kind: "text", help: "part of the L3 cache (Intel RDT)" },
  "mem-bw-schema": { kind: "text", help: "part of the memory bandwidth (Intel RDT)" },
} as const satisfies Flags;

export const update = command({
  name: "update",
  summary: "change the limits of a container",
  usage: "<container-id>",
  description: "What is not given stays as it is.",
  flags: FLAGS,
  arity: { exactly: 1 },
  argument: "container",
  run({ host, args, flags }) {
    if (flags["kernel-memory"] || flags["kernel-memory-tcp"]) {
      host.warn("kernel memory has no limit of its own any more");
    }
    const resources = flags.resources ? readResources(flags.resources) : resourcesOf(flags);
    const schemata = withoutGaps({
      l3CacheSchema: flags["l3-cache-schema"] || undefined,
      memBwSchema: flags["mem-bw-schema"] || undefined,
    });
    updateContainer(host, args[0]!, resources, schemata);
    return 0;
  },
});

function readResources(file: string): Resources {
  const path = file === "-" ? "stdin" : absolutePath(file);
  let text: string;
  try {
    text = file === "-" ? readStdin() : Deno.readTextFileSync(path);
  } catch (error) {
    throw new RunoError(`reading resources "${path}"`, { kind: "invalid", cause: error });
  }
  return parseResources(text, path);
}

function readStdin(): string {
  const decoder = new TextDecoder(), chunk = new Uint8Array(16 * 1024);
  let text = "";
  for (let length = Deno.stdin.readSync(chunk); length !== null; length = Deno.stdin.readSync(chunk)) {
    text += decoder.decode(chunk.subarray(0, length), { stream: true });
  }
  return text + decoder.decode();
}

/** The limits that the flags name. */
export function resourcesOf(flags: Values<typeof FLAGS>): Resources {
  const integer = (name: keyof typeof FLAGS) => readInteger(name, flags[name] as string | undefined);
  const size = (name: keyof typeof FLAGS) => readSize(name, flags[name] as string | undefined);
  return withoutGaps({
    cpu: withoutGaps({
      shares: integer("cpu-share"),
      quota: integer("cpu-quota"),
      burst: integer("cpu-burst"),
      period: integer("cpu-period"),
      realtimeRuntime: integer("cpu-rt-runtime"),
      realtimePeriod: integer("cpu-rt-period"),
      idle: integer("cpu-idle"),
      cpus: flags["cpuset-cpus"] || undefined,
      mems: flags["cpuset-mems"] || undefined,
    }),
    memory: withoutGaps({
      limit: size("memory"),
      reservation: size("memory-reservation"),
      swap: size("memory-swap"),
    }),
    pids: withoutGaps({ limit: flags["pids-limit"] }),
    blockIO: withoutGaps({ weight: flags["blkio-weight"] || undefined }),
  }) ?? {};
}

/** What is there; undefined when nothing is. */
function withoutGaps<T extends object>(fields: T): { [N in keyof T]?: Exclude<T[N], undefined> } | undefined {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return there.length === 0 ? undefined : Object.fromEntries(there) as { [N in keyof T]?: Exclude<T[N], undefined> };
}

function readInteger(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new RunoError(`invalid value for ${name}: ${JSON.stringify(text)} is no integer`, { kind: "invalid" });
}

function readSize(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = text === "-1" ? -1 : parseSize(text);
  if (value !== undefined) return value;
  throw new RunoError(`invalid value for ${name}: invalid size: '${text}'`, {
    kind: "invalid",
    hint: "a number with or without a suffix k, m, g, t or p",
  });
}
