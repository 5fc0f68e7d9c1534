/** What each command takes. */

import { sleep } from "../../core/sleep.ts";
import { EXECUTABLE } from "../compile.ts";
import { type Medians, type Subject, takeTurns, time } from "./measure.ts";
import { Bundle, type Runtime } from "./runtimes.ts";

/** The columns' order. */
export const WHOLE = "whole life";

/** Each command of a container's life, its whole life, and `run`. */
export function benchCommands(directory: string, all: readonly Runtime[], rounds: number): Medians {
  const sleeper = new Bundle(directory), quick = new Bundle(directory);
  sleeper.configure(["/bin/sleep", "1000"]);
  quick.configure(["/bin/true"]);
  const subjects = all.map((runtime): Subject => ({
    name: runtime.name,
    round: (n) => ({ ...life(runtime, `runo-bench-${n}`, sleeper), run: run(runtime, `runo-bench-run-${n}`, quick) }),
  }));
  return takeTurns(subjects, rounds);
}

function life({ prefix, root }: Runtime, id: string, { directory }: Bundle): Record<string, number> {
  const pidFile = `${root}.pid`;
  const steps = {
    create: time([...prefix, "create", "--bundle", directory, "--pid-file", pidFile, id]),
    state: time([...prefix, "state", id]),
    start: time([...prefix, "start", id]),
    exec: time([...prefix, "exec", id, "/bin/true"]),
    kill: time([...prefix, "kill", id, "KILL"]),
    delete: deleteWhenDead(prefix, id, Deno.readTextFileSync(pidFile).trim()),
  };
  return { ...steps, [WHOLE]: Object.values(steps).reduce((sum, took) => sum + took) };
}

/** The kernel takes a moment to end a process; that is not the runtime's time. */
function deleteWhenDead(prefix: readonly string[], id: string, pid: string): number {
  while (isAlive(pid)) sleep(1);
  return time([...prefix, "delete", id]);
}

function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

function run({ prefix }: Runtime, id: string, { directory }: Bundle): number {
  return time([...prefix, "run", "--bundle", directory, id]);
}

/** The least that a program on Deno takes, and the least that runo takes. */
export function benchStart(directory: string, rounds: number): Medians {
  const empty = `${directory}/empty.js`, state = `${directory}/start`;
  Deno.writeTextFileSync(empty, "");
  const bundle = new Bundle(directory);
  bundle.configure(["/bin/sleep", "1000"]);
  const prefix = [EXECUTABLE, "--root", state];
  time([...prefix, "create", "--bundle", bundle.directory, "runo-bench-start"]);
  try {
    const deno = [Deno.execPath(), "run", "--allow-all", "--no-config", "--no-lock", empty];
    const subjects: Subject[] = [
      { name: "bare deno", round: () => ({ start: time(deno) }) },
      { name: "runo --version", round: () => ({ start: time([...prefix, "--version"]) }) },
      { name: "runo state", round: () => ({ start: time([...prefix, "state", "runo-bench-start"]) }) },
    ];
    return takeTurns(subjects, rounds);
  } finally {
    time([...prefix, "delete", "--force", "runo-bench-start"]);
  }
}
