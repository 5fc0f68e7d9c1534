/**
 * Processes in containers that nobody waits for, but whose parent this process stays: where it is a program that uses the
 * library. Their zombies must go, for the init of a pid namespace cannot end while there is one: pid_namespaces(7).
 */

import { reapIfEnded } from "../../ffi/spawn.ts";

const LOOK_MS = 50;

const pids = new Set<number>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Sees to it that a child is reaped when it has ended. It does not keep the program from ending. */
export function reapLater(pid: number): void {
  pids.add(pid);
  if (timer !== undefined) return;
  timer = setInterval(reapDetached, LOOK_MS);
  Deno.unrefTimer(timer);
}

/** Reaps those that have ended: for functions that wait for a container without giving timers a turn. */
export function reapDetached(): void {
  for (const pid of pids) if (reapIfEnded(pid) !== undefined) pids.delete(pid);
  if (pids.size > 0 || timer === undefined) return;
  clearInterval(timer);
  timer = undefined;
}
