/** What checkpoint and restore of a process with much memory take. */

import { provideCriu } from "../provision/criu.ts";
import { type Medians, takeTurns, time } from "./measure.ts";
import { Bundle, type Runtime } from "./runtimes.ts";

/** Kibibytes that the process holds. */
const MEMORY = 100 << 10;
/** A string of that size, in the memory of awk. */
const HOLDING = `BEGIN { s = sprintf("%${MEMORY * 1024}s", "x"); system("sleep 1000"); print length(s) }`;

/** A dump and a restore by those runtimes that CRIU is called by as a program: all have the same one. */
export function benchCriu(directory: string, all: readonly Runtime[], rounds: number): Medians {
  const before = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${provideCriu().bin}:${before}`);
  try {
    const bundle = new Bundle(directory);
    bundle.configure(["/bin/busybox", "awk", HOLDING]);
    const subjects = all.map(({ name, prefix }) => ({
      name,
      round: (n: number) => round(prefix, `runo-bench-criu-${n}`, bundle.directory),
    }));
    return takeTurns(subjects, rounds);
  } finally {
    Deno.env.set("PATH", before);
  }
}

function round(prefix: readonly string[], id: string, bundle: string): Record<string, number> {
  const images = `${bundle}/images`, pidFile = `${bundle}/pid`;
  time([...prefix, "run", "--detach", "--bundle", bundle, "--pid-file", pidFile, id]);
  waitForMemory(Number(Deno.readTextFileSync(pidFile)));
  try {
    return {
      "checkpoint, 100 MB": time([...prefix, "checkpoint", "--image-path", images, id]),
      "restore, 100 MB": time([...prefix, "restore", "--detach", "--bundle", bundle, "--image-path", images, id]),
    };
  } finally {
    time([...prefix, "delete", "--force", id]);
    Deno.removeSync(images, { recursive: true });
  }
}

function waitForMemory(pid: number): void {
  const resident = () => Number(/^VmRSS:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
  while (resident() < MEMORY) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}
