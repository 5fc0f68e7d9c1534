/** What a created container weighs, and the least memory that it starts with. */

import { attempt, time } from "./measure.ts";
import { Bundle, type Runtime } from "./runtimes.ts";

/** What a created container holds while it waits to be started. */
export interface Weight {
  /** Resident memory of its process. */
  readonly rss: string;
  readonly threads: string;
}

/** The created container of each runtime. */
export function weights(directory: string, all: readonly Runtime[]): Readonly<Record<string, Weight>> {
  const bundle = new Bundle(directory);
  bundle.configure(["/bin/true"]);
  return Object.fromEntries(all.map(({ name, prefix }) => {
    const pidFile = `${directory}/${name}.pid`;
    time([...prefix, "create", "--bundle", bundle.directory, "--pid-file", pidFile, "runo-bench-weight"]);
    const status = Deno.readTextFileSync(`/proc/${Deno.readTextFileSync(pidFile).trim()}/status`);
    time([...prefix, "delete", "--force", "runo-bench-weight"]);
    return [name, { rss: field(status, "VmRSS"), threads: field(status, "Threads") }];
  }));
}

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
}

/** The smallest of some memory limits that each runtime starts a container with, in KiB. */
export function smallestLimits(
  directory: string,
  all: readonly Runtime[],
): Readonly<Record<string, number | undefined>> {
  const bundle = new Bundle(directory);
  const starts = ({ prefix }: Runtime, limit: number) => {
    bundle.configure(["/bin/true"], (config) => config.linux.resources = { memory: { limit: limit * 1024 } });
    const { success } = attempt([...prefix, "run", "--bundle", bundle.directory, "runo-bench-limit"]);
    if (!success) attempt([...prefix, "delete", "--force", "runo-bench-limit"]);
    return success;
  };
  const limits = Array.from({ length: 10 }, (_, i) => 128 << i);
  return Object.fromEntries(all.map((runtime) => [runtime.name, limits.find((limit) => starts(runtime, limit))]));
}
