/**
 * A seccomp agent for the tests, as a program of its own: it takes listeners on a socket, writes down the messages that
 * came with them, and answers what the containers' system calls ask.
 *
 *     deno run -A seccomp_agent.ts SOCKET LOG '{"83": {"error": 123}}'
 *
 * The answers are by system call number: an errno, or a value; all other calls go on. Each message and each call
 * becomes a line of JSON in LOG.
 */

import { AF_UNIX, POLLIN, SOCK_CLOEXEC, SOCK_STREAM } from "../../../ffi/abi.ts";
import { call, tryCall } from "../../../ffi/call.ts";
import { Fd } from "../../../ffi/fd.ts";
import { allocate, cString } from "../../../ffi/memory.ts";
import { receive } from "../../../ffi/socket.ts";
import { poll } from "../../../ffi/spawn.ts";
import { Layout } from "../../../ffi/structs.ts";

/** What becomes of a call. */
export interface Answer {
  readonly error?: number;
  readonly value?: number;
}

/** struct seccomp_notif, with the start of its struct seccomp_data; 80 bytes in all. */
const NOTIFICATION = new Layout({ id: "u64", pid: "u32", flags: "u32", nr: "i32", arch: "u32" });
const NOTIFICATION_SIZE = 80;
const RESPONSE = new Layout({ id: "u64", val: "u64", error: "i32", flags: "u32" });
const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100, SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;

function listen(path: string): Fd {
  const socket = new Fd(call("socket", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const address = allocate(110), name = cString(path);
  address[0] = AF_UNIX;
  address.set(name, 2);
  call("bind", socket.number, address, 2 + name.length);
  call("listen", socket.number, 8);
  return socket;
}

function serve(socket: Fd, log: string, answers: Readonly<Record<string, Answer>>): never {
  const write = (entry: unknown) => Deno.writeTextFileSync(log, `${JSON.stringify(entry)}\n`, { append: true });
  let listeners: Fd[] = [];
  for (;;) {
    const [incoming = 0, ...events] = poll([socket, ...listeners].map((fd) => [fd.number, POLLIN] as const), -1);
    const dead = listeners.filter((listener, i) =>
      events[i]! !== 0 && !(events[i]! & POLLIN && answer(listener, answers, write))
    );
    for (const listener of dead) listener[Symbol.dispose]();
    listeners = listeners.filter((listener) => !dead.includes(listener));
    if (incoming !== 0) listeners.push(accept(socket, write));
  }
}

function accept(socket: Fd, write: (entry: unknown) => void): Fd {
  using connection = new Fd(call("accept4", socket.number, 0, 0, SOCK_CLOEXEC));
  const { bytes, fd } = receive(connection, 65536);
  write({ message: JSON.parse(new TextDecoder().decode(bytes)) });
  return fd!;
}

/** Answers one call. @returns false when there is nobody left to ask */
function answer(listener: Fd, answers: Readonly<Record<string, Answer>>, write: (entry: unknown) => void): boolean {
  const asked = allocate(NOTIFICATION_SIZE);
  if (typeof tryCall("ioctl", listener.number, SECCOMP_IOCTL_NOTIF_RECV, asked) !== "number") return false;
  const { id, pid, nr } = NOTIFICATION.read(asked);
  write({ call: nr, pid });
  const { error, value } = answers[nr] ?? {};
  const flags = error === undefined && value === undefined ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  const response = RESPONSE.pack({ id, val: value ?? 0, error: -(error ?? 0), flags });
  // the process may have been killed in the meantime
  tryCall("ioctl", listener.number, SECCOMP_IOCTL_NOTIF_SEND, response);
  return true;
}

if (import.meta.main) {
  const [path, log, answers] = Deno.args as [string, string, string];
  serve(listen(path), log, JSON.parse(answers));
}
