/** Copying between the caller's stdio and the container's terminal, for a foreground `run` or `exec`. */

import { POLLERR, POLLHUP, POLLIN } from "../../ffi/abi.ts";
import { call, callWaiting, tryCall } from "../../ffi/call.ts";
import type { Fd } from "../../ffi/fd.ts";
import { allocate } from "../../ffi/memory.ts";
import { poll, pollSet } from "../../ffi/spawn.ts";
import { copyWindowSize, isTerminal, openControllingTerminal, rawMode } from "../../ffi/terminal.ts";

const CHUNK = 32 * 1024;
const READY = POLLIN | POLLHUP | POLLERR;

/** The caller's terminal: the first of stdio that is one, or the controlling terminal. */
export class HostTerminal implements Disposable {
  readonly #opened: Fd | undefined;
  readonly #raw: Disposable | undefined;
  readonly #fd: number | undefined;

  constructor() {
    const inherited = [0, 1, 2].find(isTerminal);
    this.#opened = inherited === undefined ? openControllingTerminal() : undefined;
    this.#fd = inherited ?? this.#opened?.number;
    this.#raw = this.#fd === undefined ? undefined : rawMode(this.#fd);
  }

  /** Gives the container's terminal the size of this one. */
  resize(master: Fd): void {
    if (this.#fd !== undefined) copyWindowSize(this.#fd, master.number);
  }

  [Symbol.dispose](): void {
    this.#raw?.[Symbol.dispose]();
    this.#opened?.[Symbol.dispose]();
  }
}

/** Gives a terminal the size of the caller's: before a process has it that asks for the size at once. */
export function takeCallersSize(master: Fd): void {
  const inherited = [0, 1, 2].find(isTerminal);
  using opened = inherited === undefined ? openControllingTerminal() : undefined;
  const fd = inherited ?? opened?.number;
  if (fd !== undefined) copyWindowSize(fd, master.number);
}

/** Copies both ways until the process has ended and all of its output has been written. */
export async function copyConsole(master: Fd, pidfd: Fd): Promise<void> {
  const buffer = allocate(CHUNK);
  let stdin = 0;
  for (;;) {
    const { entries, read } = pollSet([[stdin, POLLIN], [master.number, POLLIN], [pidfd.number, POLLIN]]);
    await callWaiting("ppoll", entries, 3, 0, 0, 8);
    const [typed = 0, printed = 0, ended = 0] = read();
    if (printed & READY && !copyOnce(master.number, 1, buffer)) return;
    if (typed & READY && !copyOnce(0, master.number, buffer)) stdin = -1;
    if (ended !== 0) {
      drain(master, buffer);
      return;
    }
  }
}

/** Writes out what the terminal still holds. */
function drain(master: Fd, buffer: Uint8Array<ArrayBuffer>): void {
  while (poll([[master.number, POLLIN]], 0)[0]! & POLLIN) if (!copyOnce(master.number, 1, buffer)) return;
}

/** One chunk; false at the end of the input (EIO: nobody has the terminal open any more) or when nobody takes it. */
function copyOnce(from: number, to: number, buffer: Uint8Array<ArrayBuffer>): boolean {
  const length = tryCall("read", from, buffer, buffer.length);
  if (length === "EAGAIN" || length === "EINTR") return true;
  if (typeof length !== "number" || length === 0) return false;
  for (let done = 0; done < length;) {
    const written = tryCall("write", to, buffer.subarray(done, length), length - done);
    if (written === "EAGAIN") call("ppoll", pollSet([[to, 4]]).entries, 1, 0, 0, 8);
    else if (typeof written !== "number") return to === 1;
    else done += written;
  }
  return true;
}
