/** Terminals: raw mode and sizes. termios(3), ioctl_tty(2) */

import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_RDWR, TCGETS, TCSETSW, TIOCGWINSZ, TIOCSWINSZ } from "./abi.ts";
import { call, tryCall } from "./call.ts";
import { Fd } from "./fd.ts";
import { allocate } from "./memory.ts";
import { TERMIOS, WINSIZE } from "./structs.ts";

const IGNBRK = 0o1,
  BRKINT = 0o2,
  PARMRK = 0o10,
  ISTRIP = 0o40,
  INLCR = 0o100,
  IGNCR = 0o200,
  ICRNL = 0o400,
  IXON = 0o2000;
const OPOST = 0o1, ONLCR = 0o4;
const CSIZE = 0o60, CS8 = 0o60, PARENB = 0o400;
const ISIG = 0o1, ICANON = 0o2, ECHO = 0o10, ECHONL = 0o100, IEXTEN = 0o100000;

/** True for a descriptor of a terminal. */
export function isTerminal(fd: number): boolean {
  return typeof tryCall("ioctl", fd, TCGETS, allocate(64)) === "number";
}

/** The process' controlling terminal, or undefined. */
export function openControllingTerminal(): Fd | undefined {
  const fd = tryCall("openat", AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
  return typeof fd === "number" ? new Fd(fd) : undefined;
}

/** Puts a terminal into raw mode, as cfmakeraw(3) does; `using` the result puts it back. */
export function rawMode(fd: number): Disposable {
  const before = allocate(64);
  call("ioctl", fd, TCGETS, before);
  const { iflag, oflag, cflag, lflag } = TERMIOS.read(before);
  const raw = before.slice();
  raw.set(TERMIOS.pack({
    iflag: iflag & ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
    // output processing stays: the messages of others on this terminal keep their line ends
    oflag: oflag | OPOST,
    cflag: cflag & ~(CSIZE | PARENB) | CS8,
    lflag: lflag & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
  }));
  call("ioctl", fd, TCSETSW, raw);
  return { [Symbol.dispose]: () => void tryCall("ioctl", fd, TCSETSW, before) };
}

/** Stops a terminal from making "\r\n" of each "\n" that is written to it. */
export function keepLineEnds(fd: number): void {
  const settings = allocate(64);
  call("ioctl", fd, TCGETS, settings);
  const termios = TERMIOS.read(settings);
  settings.set(TERMIOS.pack({ ...termios, oflag: termios.oflag & ~ONLCR }));
  call("ioctl", fd, TCSETSW, settings);
}

/** Gives one terminal the size of another; nothing happens when the other has none. */
export function copyWindowSize(from: number, to: number): void {
  const size = allocate(WINSIZE.size);
  if (typeof tryCall("ioctl", from, TIOCGWINSZ, size) !== "number") return;
  const { row, col } = WINSIZE.read(size);
  if (row !== 0 && col !== 0) tryCall("ioctl", to, TIOCSWINSZ, size);
}
