/** Processes: start one with posix_spawn(3), look after it by pidfd. */

import { POLLIN, WNOHANG } from "./abi.ts";
import { call, SyscallError, tryCall } from "./call.ts";
import { Fd } from "./fd.ts";
import { libcSpawn } from "./libc.ts";
import { allocate, cString, stringTable } from "./memory.ts";
import { POLLFD, TIMESPEC } from "./structs.ts";

/** No file actions, no attributes. */
const NONE = allocate(8);

/**
 * Starts a program. It inherits every descriptor that is not close-on-exec. Safe from any thread, unlike fork(2).
 * @throws {SyscallError} as `execve`, with what kept it from being executed
 */
export function spawn(path: string, argv: readonly string[], env: readonly string[]): number {
  const pid = new Int32Array(new ArrayBuffer(4));
  const args = stringTable(argv), environment = stringTable(env);
  const errno = libcSpawn().posix_spawn(
    new Uint8Array(pid.buffer),
    cString(path),
    NONE,
    NONE,
    args.table,
    environment.table,
  );
  void [args.keep, environment.keep];
  if (errno !== 0) throw new SyscallError("execve", [path], errno);
  return pid[0]!;
}

/** How a child ended. */
export type ExitStatus = { readonly code: number } | { readonly signal: number };

/** The exit code that a shell would give: the code, or 128 + signal. */
export function shellCode(status: ExitStatus): number {
  return "code" in status ? status.code : 128 + status.signal;
}

/** Reads the status that wait4(2) wrote. */
export function exitStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}

/** Waits for a child and reaps it; undefined when it is not (or no longer) a child of this process. */
export function reap(pid: number): ExitStatus | undefined {
  const status = new Int32Array(new ArrayBuffer(4));
  for (;;) {
    const result = tryCall("wait4", pid, new Uint8Array(status.buffer), 0, 0);
    if (result === "EINTR") continue;
    return typeof result === "number" ? exitStatus(status[0]!) : undefined;
  }
}

/** Reaps a child if it has ended. */
export function reapIfEnded(pid: number): ExitStatus | undefined {
  const status = new Int32Array(new ArrayBuffer(4));
  const result = tryCall("wait4", pid, new Uint8Array(status.buffer), WNOHANG, 0);
  return result === pid ? exitStatus(status[0]!) : undefined;
}

/** A descriptor of a process: it names the process, not the number. @throws {SyscallError} ESRCH when there is none */
export function pidfdOpen(pid: number): Fd {
  return new Fd(call("pidfd_open", pid, 0));
}

/** Sends a signal through a pidfd. @throws {SyscallError} */
export function pidfdSignal(pidfd: Fd, signal: number): void {
  call("pidfd_send_signal", pidfd.number, signal, 0, 0);
}

/**
 * Waits until one of the descriptors is ready.
 * @param timeout milliseconds; negative waits for ever
 * @returns the ready events of each, 0 where nothing happened
 */
export function poll(fds: readonly (readonly [fd: number, events: number])[], timeout: number): number[] {
  const { entries, read } = pollSet(fds);
  const limit = timeout < 0
    ? null
    : TIMESPEC.pack({ sec: Math.floor(timeout / 1000), nsec: Math.round((timeout % 1000) * 1e6) });
  call("ppoll", entries, fds.length, limit, 0, 8);
  return read();
}

/** The memory of a poll(2) over these descriptors, and how to read its answer. */
export function pollSet(
  fds: readonly (readonly [fd: number, events: number])[],
): { entries: Uint8Array<ArrayBuffer>; read: () => number[] } {
  const entries = allocate(POLLFD.size * fds.length);
  fds.forEach(([fd, events], i) => entries.set(POLLFD.pack({ fd, events }), i * POLLFD.size));
  const read = () => fds.map((_, i) => POLLFD.read(entries.subarray(i * POLLFD.size)).revents);
  return { entries, read };
}

/** Waits until a process has ended. @returns false when the time (milliseconds) is up */
export function waitEnded(pidfd: Fd, timeout: number): boolean {
  return poll([[pidfd.number, POLLIN]], timeout)[0] !== 0;
}
