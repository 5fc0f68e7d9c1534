/** `events`: what a container uses, again and again, and when its memory runs out. */

import { POLLIN } from "../../ffi/abi.ts";
import { callWaiting } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { pidfdOpen, pollSet } from "../../ffi/spawn.ts";
import { TIMESPEC } from "../../ffi/structs.ts";
import { watchOom } from "../cgroup/oom_watch.ts";
import { cgroupPids } from "../cgroup/processes.ts";
import type { CgroupStats } from "../cgroup/stats.ts";
import { cgroupStats } from "../cgroup/usage.ts";
import { errnoOf, messageOf, RunoError } from "../error.ts";
import { findResctrl } from "../rdt/resctrl.ts";
import { type RdtStats, rdtStats } from "../rdt/stats.ts";
import { recordedCgroup } from "./recorded_cgroup.ts";
import { type Container, containerStatus, loadContainer } from "./container.ts";
import type { HostOptions } from "./options.ts";
import { recordedRdt } from "./state_file.ts";

/** Something that happened to a container, or what it uses. */
export type ContainerEvent =
  | { readonly type: "stats"; readonly id: string; readonly data: ContainerStats }
  | { readonly type: "oom"; readonly id: string };

/** What a container uses. */
export interface ContainerStats extends CgroupStats {
  /** Absent without a group in Intel's resctrl. */
  readonly intelRdt?: RdtStats;
}

/**
 * What a container uses now.
 * @throws {RunoError} `not-found`; `state` when it has stopped
 */
export function containerStats(host: Pick<HostOptions, "root">, id: string): ContainerStats {
  return statsOf(loadRunning(host, id));
}

function statsOf({ state }: Container): ContainerStats {
  const stats = cgroupStats(recordedCgroup(state)), rdt = recordedRdt(state);
  const resctrl = rdt === undefined ? undefined : findResctrl();
  return rdt === undefined || resctrl === undefined ? stats : { ...stats, intelRdt: rdtStats(resctrl, rdt) };
}

function loadRunning({ root }: Pick<HostOptions, "root">, id: string): Container {
  const container = loadContainer(root, id);
  if (containerStatus(container) !== "stopped") return container;
  // the words are runc's
  throw new RunoError(`container with id ${id} is not running`, { kind: "state" });
}

/**
 * The events of a container until it has ended: stats after each interval, "oom" as it happens.
 * @param intervalMs between two stats, above 0
 * @throws {RunoError} `not-found`; `state` when it has stopped; `invalid` for a bad interval
 */
export async function* containerEvents(
  host: Pick<HostOptions, "root" | "warn">,
  id: string,
  { intervalMs }: { readonly intervalMs: number },
): AsyncGenerator<ContainerEvent, void> {
  const container = loadRunning(host, id);
  if (!(intervalMs > 0)) throw new RunoError("duration interval must be greater than 0", { kind: "invalid" });
  using watch = watchOom(recordedCgroup(container.state));
  using init = openInit(container);
  const waiting = new Waiting(watch.fd, init?.number);
  for (let next = performance.now() + intervalMs;;) {
    await waiting.until(next);
    // before asking the watch: what was killed last has been counted then
    const ended = !hasProcesses(container);
    for (let left = watch.take(); left > 0; left--) yield { type: "oom", id };
    if (ended) return;
    if (performance.now() < next) continue;
    next += intervalMs;
    const data = statsOrNothing(container, host.warn);
    if (data !== undefined) yield { type: "stats", id, data };
  }
}

/** Undefined when init ended meanwhile: other processes may still be there. */
function openInit({ state }: Container): Fd | undefined {
  try {
    return pidfdOpen(state.init_process_pid);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return undefined;
    throw new RunoError(`opening a pidfd of init ${state.init_process_pid}`, { cause: error });
  }
}

function hasProcesses({ state }: Container): boolean {
  return cgroupPids(recordedCgroup(state), { recursive: true }).length > 0;
}

/** An error must not end the events: the next time it may work. */
function statsOrNothing(container: Container, warn: (message: string) => void): ContainerStats | undefined {
  try {
    return statsOf(container);
  } catch (error) {
    warn(messageOf(error));
    return undefined;
  }
}

/** How long a caller who has lost interest may be kept. */
const LONGEST_WAIT_MS = 500;
/** How often processes that outlive init are looked for. */
const WITHOUT_INIT_MS = 50;

/** Waiting for a time, for memory to run out, or for init to end: whatever comes first. */
class Waiting {
  readonly #watch: number;
  #init: number | undefined;

  constructor(watch: number, init: number | undefined) {
    this.#watch = watch;
    this.#init = init;
  }

  /** @param time of `performance.now()` */
  async until(time: number): Promise<void> {
    const init = this.#init;
    const fds = [this.#watch, ...init === undefined ? [] : [init]].map((fd) => [fd, POLLIN] as const);
    const { entries, read } = pollSet(fds);
    const longest = init === undefined ? WITHOUT_INIT_MS : LONGEST_WAIT_MS;
    const wait = Math.max(0, Math.min(time - performance.now(), longest));
    await callWaiting("ppoll", entries, fds.length, TIMESPEC.pack({ sec: 0, nsec: Math.round(wait * 1e6) }), 0, 8);
    // a process that has ended stays so: to wait for it again would not be waiting
    if ((read()[1] ?? 0) !== 0) this.#init = undefined;
  }
}
