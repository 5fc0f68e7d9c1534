/** `--status-fd`: where the caller is told that the pages of a lazy checkpoint can be fetched. */

import { AT_FDCWD, F_GETFD, F_GETFL, O_ACCMODE, O_CLOEXEC, O_RDONLY, O_TRUNC, O_WRONLY } from "../ffi/abi.ts";
import { call, tryCall } from "../ffi/call.ts";
import { Fd } from "../ffi/fd.ts";
import { RunoError } from "../core/error.ts";

/** The file that is told. Nothing happens where none was named. */
export class StatusFile implements Disposable {
  readonly #fd: Fd | undefined;

  constructor(fd: Fd | undefined) {
    this.#fd = fd;
  }

  /** Its number, for a CRIU that writes by itself. */
  get number(): number | undefined {
    return this.#fd?.number;
  }

  /** Tells that the pages can be fetched, and closes the file: who waits for its end is told too. */
  ready(): void {
    if (this.#fd === undefined) return;
    tryCall("write", this.#fd.number, new Uint8Array(new ArrayBuffer(1)), 1);
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#fd?.[Symbol.dispose]();
  }
}

/**
 * Opens it, a path for writing and from its start.
 * @throws {RunoError} `invalid`, with runc's words, for a descriptor that cannot be written to
 */
export function openStatusFile(given: number | string | undefined): StatusFile {
  if (given === undefined) return new StatusFile(undefined);
  if (typeof given === "number") return new StatusFile(inherited(given));
  try {
    return new StatusFile(new Fd(call("openat", AT_FDCWD, given, O_WRONLY | O_TRUNC | O_CLOEXEC, 0)));
  } catch (error) {
    throw new RunoError(`opening status file "${given}"`, { kind: "invalid", cause: error });
  }
}

function inherited(number: number): Fd {
  const invalid = `invalid --status-fd argument ${number}`;
  // what the caller handed over has passed execve(2); what has that flag is one of this process' own
  const own = tryCall("fcntl", number, F_GETFD, 0);
  if (own !== 0) throw new RunoError(`${invalid}: ${typeof own === "number" ? "EBADF" : own}`, { kind: "invalid" });
  const flags = tryCall("fcntl", number, F_GETFL, 0);
  if (typeof flags !== "number") throw new RunoError(`${invalid}: ${flags}`, { kind: "invalid" });
  if ((flags & O_ACCMODE) === O_RDONLY) throw new RunoError(`${invalid}: not writable`, { kind: "invalid" });
  return new Fd(number);
}
