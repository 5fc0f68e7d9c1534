/** Descriptors that close themselves. */

import { F_DUPFD, F_DUPFD_CLOEXEC, O_CLOEXEC } from "./abi.ts";
import { call, tryCall } from "./call.ts";

/** An open descriptor, owned: `using` closes it, `release()` hands it over. */
export class Fd implements Disposable {
  #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  /** The descriptor's number, for system calls. */
  get number(): number {
    if (this.#number < 0) throw new RangeError("descriptor is closed");
    return this.#number;
  }

  /** Gives the ownership away. */
  release(): number {
    const number = this.number;
    this.#number = -1;
    return number;
  }

  [Symbol.dispose](): void {
    if (this.#number >= 0) tryCall("close", this.#number);
    this.#number = -1;
  }
}

/**
 * A copy of a descriptor with a number of at least `lowest`.
 * @param inherit whether programs started later get it
 */
export function duplicate(fd: number, lowest: number, inherit: boolean): Fd {
  return new Fd(call("fcntl", fd, inherit ? F_DUPFD : F_DUPFD_CLOEXEC, lowest));
}

/** The two ends of a pipe, both close-on-exec: what is written to the second is read from the first. */
export function pipe(): [Fd, Fd] {
  const ends = new Int32Array(new ArrayBuffer(8));
  call("pipe2", new Uint8Array(ends.buffer), O_CLOEXEC);
  return [new Fd(ends[0]!), new Fd(ends[1]!)];
}
