/** UNIX sockets: pairs, messages, descriptors and credentials in messages. unix(7) */

import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_NOSIGNAL,
  O_CLOEXEC,
  O_PATH,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SO_PASSCRED,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./abi.ts";
import { AT_FDCWD } from "./abi.ts";
import { call, SyscallError } from "./call.ts";
import { Fd } from "./fd.ts";
import { addressOf, allocate, cString } from "./memory.ts";
import { CMSG_CREDENTIALS, CMSG_FD, IOVEC, MSGHDR } from "./structs.ts";

/** The two ends of a SOCK_SEQPACKET connection, both close-on-exec. */
export function socketPair(): [Fd, Fd] {
  const ends = new Int32Array(new ArrayBuffer(8));
  call("socketpair", AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, new Uint8Array(ends.buffer));
  return [new Fd(ends[0]!), new Fd(ends[1]!)];
}

/** Lets messages that arrive here carry the pid of their sender, as this process sees it. */
export function passCredentials(socket: Fd): void {
  const on = allocate(4);
  on[0] = 1;
  call("setsockopt", socket.number, SOL_SOCKET, SO_PASSCRED, on, 4);
}

/** Sends one message. */
export function send(socket: Fd, bytes: Uint8Array<ArrayBuffer>): void {
  call("sendto", socket.number, bytes, bytes.length, MSG_NOSIGNAL, 0, 0);
}

/** Sends one message with a descriptor. */
export function sendFd(socket: Fd, bytes: Uint8Array<ArrayBuffer>, fd: number): void {
  const iov = IOVEC.pack({ base: addressOf(bytes), len: bytes.length });
  const control = CMSG_FD.pack({ len: 20, level: SOL_SOCKET, type: SCM_RIGHTS, fd });
  const header = MSGHDR.pack({
    iov: addressOf(iov),
    iovlen: 1,
    control: addressOf(control),
    controllen: control.length,
  });
  call("sendmsg", socket.number, header, MSG_NOSIGNAL);
  // the structures above are reachable by address only: keep them until here
  void [iov, control, bytes];
}

/** A message that arrived. */
export interface Message {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The sender's pid, with `passCredentials`; 0 without. */
  readonly pid: number;
  readonly fd: Fd | undefined;
}

const CONTROL_BYTES = 256;

/** Waits for one message of at most `size` bytes; empty `bytes` at the end of the connection. */
export function receive(socket: Fd, size: number): Message {
  const bytes = allocate(size);
  const control = allocate(CONTROL_BYTES);
  const iov = IOVEC.pack({ base: addressOf(bytes), len: size });
  const header = MSGHDR.pack({
    iov: addressOf(iov),
    iovlen: 1,
    control: addressOf(control),
    controllen: CONTROL_BYTES,
  });
  const length = tryReceive(socket, header);
  void iov;
  // after a reset the header and what it points to are as they were: nothing is to be read there
  if (length === undefined) return { bytes: allocate(0), pid: 0, fd: undefined };
  return { bytes: bytes.slice(0, length), ...readControl(control, Number(MSGHDR.read(header).controllen)) };
}

/** ECONNRESET is an end too, of one who had not read everything: undefined. */
function tryReceive(socket: Fd, header: Uint8Array<ArrayBuffer>): number | undefined {
  try {
    return call("recvmsg", socket.number, header, MSG_CMSG_CLOEXEC);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === "ECONNRESET") return undefined;
    throw error;
  }
}

function readControl(control: Uint8Array, length: number): { pid: number; fd: Fd | undefined } {
  let pid = 0, fd: Fd | undefined;
  for (let at = 0; at + 16 <= length;) {
    const { len, type } = CMSG_FD.read(padded(control, at));
    if (type === SCM_CREDENTIALS) pid = CMSG_CREDENTIALS.read(padded(control, at)).pid;
    if (type === SCM_RIGHTS) fd = new Fd(CMSG_FD.read(padded(control, at)).fd);
    at += (Number(len) + 7) & ~7;
  }
  return { pid, fd };
}

function padded(control: Uint8Array, at: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(control.subarray(at, at + 32));
  return bytes;
}

const SUN_PATH = 108;

/** Connects to a listening stream socket, whatever the length of its path. */
export function connectStream(path: string): Fd {
  return named("connect", SOCK_STREAM, path);
}

/** Connects to a datagram socket; a path that begins with "@" names one in the abstract namespace. */
export function connectDatagram(path: string): Fd {
  return named("connect", SOCK_DGRAM, path);
}

/** Makes a datagram socket with this path. */
export function bindDatagram(path: string): Fd {
  return named("bind", SOCK_DGRAM, path);
}

function named(operation: "bind" | "connect", type: number, path: string): Fd {
  const socket = new Fd(call("socket", AF_UNIX, type | SOCK_CLOEXEC, 0));
  try {
    if (cString(path).length <= SUN_PATH) {
      address(operation, socket, path);
    } else {
      // a path too long for sun_path: go through its directory
      const slash = path.lastIndexOf("/");
      using directory = new Fd(call("openat", AT_FDCWD, path.slice(0, slash) || "/", O_PATH | O_CLOEXEC, 0));
      address(operation, socket, `/proc/self/fd/${directory.number}/${path.slice(slash + 1)}`);
    }
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
  return socket;
}

function address(operation: "bind" | "connect", socket: Fd, path: string): void {
  const name = cString(path);
  const bytes = allocate(2 + SUN_PATH);
  bytes[0] = AF_UNIX;
  bytes.set(name.subarray(0, SUN_PATH), 2);
  const abstract = path.startsWith("@");
  if (abstract) bytes[2] = 0;
  // the length ends an abstract name, a NUL the path of a file
  call(operation, socket.number, bytes, 2 + name.length - (abstract ? 1 : 0));
}
