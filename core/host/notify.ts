/**
 * sd_notify(3) across the container's border. The service manager listens on NOTIFY_SOCKET; the container gets a socket
 * of its own, and of what it says there only READY= goes on to the manager, followed by who the main process is.
 */

import { POLLHUP, POLLIN } from "../../ffi/abi.ts";
import { callWaiting } from "../../ffi/call.ts";
import { type Fd, pipe } from "../../ffi/fd.ts";
import { bindDatagram, connectDatagram, receive, send, sendFd } from "../../ffi/socket.ts";
import { pidfdOpen, poll, pollSet } from "../../ffi/spawn.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { Mount } from "../spec/types.ts";

/** The socket as the container sees it, and the directory that it is in. */
const INSIDE = "/run/notify";
const SOCKET = "notify.sock";

/** How long the service manager has to take note, as in sd_notify_barrier(3). */
const BARRIER_TIMEOUT_MS = 30_000;

/** A datagram is a state as a whole, and no larger than this. */
const STATE_BYTES = 4096;

/** What the container needs to notify: a mount and a variable. */
export interface NotifyInputs {
  readonly mounts: readonly Mount[];
  readonly env: readonly string[];
}

const NO_INPUTS: NotifyInputs = { mounts: [], env: [] };

/** @param stateDir state directory of the container, where the socket will be */
export function notifyInputs(stateDir: string, hostSocket: string | undefined): NotifyInputs {
  if (hostSocket === undefined) return NO_INPUTS;
  const options = ["bind", "nosuid", "noexec", "nodev", "ro"];
  return {
    mounts: [{ destination: INSIDE, source: directoryOf(stateDir), options }],
    env: [`NOTIFY_SOCKET=${INSIDE}/${SOCKET}`],
  };
}

/** The mounts of a container that was made with such a socket; none of others. */
export function notifyMounts(stateDir: string): readonly Mount[] {
  try {
    Deno.lstatSync(directoryOf(stateDir));
  } catch {
    return [];
  }
  return notifyInputs(stateDir, "").mounts;
}

/** Makes the directory that the container will see; the socket comes when somebody listens. */
export function makeNotifyDirectory(stateDir: string): void {
  const directory = directoryOf(stateDir);
  try {
    Deno.mkdirSync(directory);
    Deno.chmodSync(directory, 0o755);
  } catch (error) {
    throw new RunoError(`making "${directory}"`, { cause: error });
  }
}

function directoryOf(stateDir: string): string {
  return `${stateDir}/notify`;
}

/** Listens to a container on behalf of a service manager. */
export class NotifyProxy implements Disposable {
  readonly #socket: Fd;
  readonly #hostSocket: string;

  /** @throws {RunoError} */
  private constructor(path: string, hostSocket: string) {
    this.#hostSocket = hostSocket;
    try {
      this.#socket = bindDatagram(path);
      Deno.chmodSync(path, 0o777);
    } catch (error) {
      throw new RunoError(`making notify socket "${path}"`, { cause: error });
    }
  }

  /** The proxy of a container; undefined when nobody is to be notified, or the container was made without a socket. */
  static open(stateDir: string, hostSocket: string | undefined): NotifyProxy | undefined {
    if (hostSocket === undefined) return undefined;
    const directory = directoryOf(stateDir);
    try {
      Deno.statSync(directory);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw new RunoError(`looking at "${directory}"`, { cause: error });
    }
    return new NotifyProxy(`${directory}/${SOCKET}`, hostSocket);
  }

  /** Waits for READY= and passes it on, with init as the process to watch; gives up when init ends. */
  forward(initPid: number): void {
    const opened = openProcess(initPid);
    if (opened === undefined) return;
    using init = opened;
    for (;;) {
      const [said = 0, ended = 0] = poll([[this.#socket.number, POLLIN], [init.number, POLLIN]], -1);
      if (this.#heard(said, initPid) || isOver(said, ended)) return;
    }
  }

  /** `forward()` beside other work. @param mainPid the process to watch */
  async forwardMeanwhile(init: Fd, mainPid: number): Promise<void> {
    for (;;) {
      const { entries, read } = pollSet([[this.#socket.number, POLLIN], [init.number, POLLIN]]);
      await callWaiting("ppoll", entries, 2, 0, 0, 8);
      const [said = 0, ended = 0] = read();
      if (this.#heard(said, mainPid) || isOver(said, ended)) return;
    }
  }

  /** Takes a datagram if there is one. @returns whether it said READY= */
  #heard(events: number, mainPid: number): boolean {
    if ((events & POLLIN) === 0) return false;
    const { bytes } = receive(this.#socket, STATE_BYTES);
    const ready = new TextDecoder().decode(bytes).split("\n").find((line) => line.startsWith("READY="));
    if (ready === undefined) return false;
    tell(this.#hostSocket, ready, mainPid);
    return true;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** What the container had said before it ended is still to be heard. */
function isOver(said: number, ended: number): boolean {
  return ended !== 0 && (said & POLLIN) === 0;
}

function openProcess(pid: number): Fd | undefined {
  try {
    return pidfdOpen(pid);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return undefined;
    throw new RunoError(`opening a pidfd of init ${pid}`, { cause: error });
  }
}

/** In three messages, and the last one with a pipe: its end says that the manager has dealt with those before it. */
function tell(hostSocket: string, ready: string, mainPid: number): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  try {
    using manager = connectDatagram(hostSocket);
    send(manager, bytes(`${ready}\n`));
    send(manager, bytes(`MAINPID=${mainPid}\n`));
    const [theirEnd, ourEnd] = pipe();
    using waiting = theirEnd;
    sendFd(manager, bytes("BARRIER=1"), ourEnd.number);
    ourEnd[Symbol.dispose]();
    poll([[waiting.number, POLLHUP]], BARRIER_TIMEOUT_MS);
  } catch (error) {
    throw new RunoError(`notifying the service manager at "${hostSocket}"`, { cause: error });
  }
}
