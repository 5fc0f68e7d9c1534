/** Terminals for tests: the receiving end of a console socket, and a terminal of the caller's side. */

import {
  AF_UNIX,
  AT_FDCWD,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  TIOCGPTN,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "../../../ffi/abi.ts";
import { call, tryCall } from "../../../ffi/call.ts";
import { Fd } from "../../../ffi/fd.ts";
import { allocate } from "../../../ffi/memory.ts";
import { receive } from "../../../ffi/socket.ts";
import { poll } from "../../../ffi/spawn.ts";
import { WINSIZE } from "../../../ffi/structs.ts";
import { PATIENCE } from "./command.ts";

const PATIENCE_MS = 30_000 * PATIENCE;

/** A socket that terminals (or pidfds) are sent to. */
export class Receiver implements Disposable {
  readonly path: string;
  readonly #socket: Fd;

  constructor(path: string) {
    this.path = path;
    this.#socket = new Fd(call("socket", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const address = allocate(110);
    address[0] = AF_UNIX;
    address.set(new TextEncoder().encode(path), 2);
    call("bind", this.#socket.number, address, 110);
    call("listen", this.#socket.number, 4);
  }

  /** What has been sent: its name and the descriptor. */
  accept(): { name: string; fd: Fd } {
    wait(this.#socket.number);
    using connection = new Fd(call("accept4", this.#socket.number, 0, 0, SOCK_CLOEXEC));
    const { bytes, fd } = receive(connection, 4096);
    if (fd === undefined) throw new Error("no descriptor came");
    return { name: new TextDecoder().decode(bytes), fd };
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

function wait(fd: number): void {
  if (poll([[fd, POLLIN]], PATIENCE_MS)[0] === 0) throw new Error("nothing came");
}

/** A master's other end as text: everything until nobody has it open any more. */
export function readAll(master: Fd): string {
  let text = "";
  for (;;) {
    wait(master.number);
    const bytes = allocate(4096);
    const length = tryCall("read", master.number, bytes, bytes.length);
    if (length === "EIO" || length === 0) return text;
    if (typeof length !== "number") throw new Error(`reading a terminal: ${length}`);
    text += new TextDecoder().decode(bytes.subarray(0, length));
  }
}

/** Reads until the text has come. */
export function readUntil(master: Fd, wanted: string): string {
  let text = "";
  while (!text.includes(wanted)) {
    wait(master.number);
    const bytes = allocate(4096);
    const length = tryCall("read", master.number, bytes, bytes.length);
    if (typeof length !== "number") throw new Error(`reading a terminal: ${length} after ${JSON.stringify(text)}`);
    text += new TextDecoder().decode(bytes.subarray(0, length));
  }
  return text;
}

/** Types into a terminal. */
export function type(master: Fd, text: string): void {
  const bytes = new TextEncoder().encode(text);
  call("write", master.number, bytes, bytes.length);
}

/** A new terminal of the host: its master and the path of the other end. */
export function hostTerminal(rows: number, columns: number): { master: Fd; path: string } {
  const master = new Fd(call("openat", AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0));
  call("ioctl", master.number, TIOCSPTLCK, allocate(4));
  const number = allocate(4);
  call("ioctl", master.number, TIOCGPTN, number);
  resize(master, rows, columns);
  return { master, path: `/dev/pts/${new DataView(number.buffer).getUint32(0, true)}` };
}

/** Gives a terminal another size. */
export function resize(master: Fd, rows: number, columns: number): void {
  call("ioctl", master.number, TIOCSWINSZ, WINSIZE.pack({ row: rows, col: columns }));
}
