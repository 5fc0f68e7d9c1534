/** Descriptors on their way to those who asked for them: terminals and pidfds, over a stream socket. */

import { Fd } from "../../ffi/fd.ts";
import { connectStream, sendFd } from "../../ffi/socket.ts";
import { pidfdOpen } from "../../ffi/spawn.ts";
import { keepLineEnds } from "../../ffi/terminal.ts";
import { RunoError } from "../error.ts";
import type { Ask } from "./conversation.ts";

/** The descriptor of an ask, taken over. */
export function keepFd({ fd }: Ask): Fd {
  if (fd === undefined) throw new RunoError("container init sent no descriptor");
  return new Fd(fd.release());
}

/**
 * Sends a terminal's master to the console socket; without one it stays here.
 * @returns the master, if it stays
 */
export function sendTerminal(master: Fd, consoleSocket: string | undefined): Fd | undefined {
  if (consoleSocket === undefined) {
    // as runc: the caller's own terminal makes the line ends, or the caller wants none made
    keepLineEnds(master.number);
    return master;
  }
  using terminal = master;
  try {
    using receiver = connectStream(consoleSocket);
    sendFd(receiver, new TextEncoder().encode("/dev/ptmx"), terminal.number);
    return undefined;
  } catch (error) {
    throw new RunoError(`sending the terminal to console socket "${consoleSocket}"`, { cause: error });
  }
}

/** Sends a descriptor of a process to the pidfd socket. */
export function sendPidfd(path: string, pid: number): void {
  try {
    using pidfd = pidfdOpen(pid);
    using receiver = connectStream(path);
    sendFd(receiver, new TextEncoder().encode("pidfd"), pidfd.number);
  } catch (error) {
    throw new RunoError(`sending the pidfd to socket "${path}"`, { cause: error });
  }
}
