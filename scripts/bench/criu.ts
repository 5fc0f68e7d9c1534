/** What checkpoint and restore of a process with much memory take. */

import { sleep } from "../../core/sleep.ts";
import { findCriu } from "../provision/criu.ts";
import { attempt, type Medians, takeTurns, time } from "./measure.ts";
import { Bundle, type Runtime } from "./runtimes.ts";

/** Kibibytes that the process holds. */
const MEMORY = 100 << 10;
/** A string of that size, in the memory of awk. */
const HOLDING = `BEGIN { s = sprintf("%${MEMORY * 1024}s", "x"); system("sleep 1000"); print length(s) }`;

/** The kernel goes on removing what there was of the last container: network namespaces, cgroups. */
const SETTLING_MS = 400;

/** A dump and a restore by those runtimes that CRIU is called by as a program: all have the same one. */
export function benchCriu(directory: string, all: readonly Runtime[], rounds: number): Medians | { left: string } {
  const found = findCriu();
  if ("missing" in found) return { left: found.missing };
  const before = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${binDirectory(directory, found.criu)}:${before}`);
  try {
    const bundle = new Bundle(directory);
    bundle.configure(["/bin/busybox", "awk", HOLDING]);
    const subjects = all.map(({ name, prefix }) => ({
      name,
      round: (n: number) => round({ name, prefix, id: `runo-bench-criu-${n}` }, bundle.directory),
    }));
    return takeTurns(subjects, rounds);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { left: error.message };
  } finally {
    Deno.env.set("PATH", before);
  }
}

/** A directory for PATH where this executable is called `criu`: runc looks for that name alone. */
function binDirectory(directory: string, criu: string): string {
  const bin = `${directory}/bin`;
  Deno.mkdirSync(bin);
  Deno.symlinkSync(criu, `${bin}/criu`);
  return bin;
}

/** CRIU does not work here, or not with this runtime. */
class Refused extends Error {}

interface Subject {
  readonly name: string;
  readonly prefix: readonly string[];
  readonly id: string;
}

function round({ name, prefix, id }: Subject, bundle: string): Record<string, number> {
  const images = `${bundle}/images`, pidFile = `${bundle}/pid`, log = `${bundle}/log`;
  const timed = (command: string, ...args: readonly string[]) => {
    const global = [...prefix, "--log", log, "--log-format", "json"];
    const { took, success } = attempt([...global, command, "--image-path", images, ...args, id]);
    if (!success) throw new Refused(`${name} ${command}: ${lastMessage(log)}`);
    return took;
  };
  time([...prefix, "run", "--detach", "--bundle", bundle, "--pid-file", pidFile, id]);
  try {
    waitForMemory(Number(Deno.readTextFileSync(pidFile)));
    sleep(SETTLING_MS);
    const checkpoint = timed("checkpoint");
    sleep(SETTLING_MS);
    return { "checkpoint, 100 MB": checkpoint, "restore, 100 MB": timed("restore", "--detach", "--bundle", bundle) };
  } finally {
    time([...prefix, "delete", "--force", id]);
    for (const path of [images, log]) removeIfThere(path);
  }
}

function lastMessage(log: string): string {
  const line = Deno.readTextFileSync(log).trim().split("\n").at(-1);
  return line ? JSON.parse(line).msg : "it failed without a word";
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function waitForMemory(pid: number): void {
  const resident = () => Number(/^VmRSS:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
  while (resident() < MEMORY) sleep(10);
}
