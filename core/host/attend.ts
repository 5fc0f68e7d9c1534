/** Staying with a process in a container until it has ended: signals, the terminal, the exit code. */

import { callWaiting } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { allocate } from "../../ffi/memory.ts";
import { exitStatus, pidfdOpen, pidfdSignal, reap, shellCode } from "../../ffi/spawn.ts";
import { copyConsole, HostTerminal } from "./console.ts";
import type { HostOptions } from "./options.ts";
import { forwardSignals, onResize } from "./signals.ts";

/** Passes the signals of this process on. It listens before there is anyone to pass them to: none may end this process. */
export class SignalRelay implements Disposable {
  readonly #listening: Disposable | undefined;
  #target: Fd | undefined;

  constructor({ embedded }: HostOptions) {
    this.#listening = embedded ? undefined : forwardSignals((signal) => this.#pass(signal));
  }

  /** From now on they go to this process. */
  passTo(pidfd: Fd): void {
    this.#target = pidfd;
  }

  #pass(signal: number): void {
    if (this.#target === undefined) return;
    try {
      pidfdSignal(this.#target, signal);
    } catch {
      // it has ended: the signal came too late for anyone
    }
  }

  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]();
  }
}

/** A child of this process. */
export interface Attended {
  readonly pid: number;
  /** The master of its terminal, when nobody else took it; it is closed in the end. */
  readonly master: Fd | undefined;
}

/**
 * Stays until a process has ended.
 * @param begin lets it go on, once its output is looked after
 * @returns its exit code, 128 + signal when it was killed
 */
export async function attend(
  host: HostOptions,
  { pid, master }: Attended,
  begin: () => void | Promise<void>,
): Promise<number> {
  if (master === undefined) {
    await begin();
    return await waitForEnd(host, pid);
  }
  using inside = master;
  using outside = new HostTerminal();
  outside.resize(inside);
  using _resizing = host.embedded ? undefined : onResize(() => outside.resize(inside));
  await begin();
  using pidfd = pidfdOpen(pid);
  await copyConsole(inside, pidfd);
  return await waitForEnd(host, pid);
}

/** A subreaper inherits the orphans of a container without a pid namespace, and reaps them meanwhile. */
async function waitForEnd({ embedded }: HostOptions, pid: number): Promise<number> {
  const status = allocate(4);
  for (;;) {
    const ended = await callWaiting("wait4", embedded ? pid : -1, status, 0, 0);
    if (ended === pid) return shellCode(exitStatus(new DataView(status.buffer).getInt32(0, true)));
    if (ended < 0) return reapedElsewhere(pid);
  }
}

/** EINTR leaves the child to be waited for again; anything else cannot be, for nobody else reaps it. */
function reapedElsewhere(pid: number): number {
  const status = reap(pid);
  return status === undefined ? 1 : shellCode(status);
}
