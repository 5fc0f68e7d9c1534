/** The terminal: a pseudo terminal of the container's own devpts, its master handed to the host. */

import * as abi from "../../ffi/abi.ts";
import { STATX, STATX_SIZE, WINSIZE } from "../../ffi/structs.ts";
import { Data, type Label, type Reg, Within } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Process } from "../spec/types.ts";
import { ASK } from "./asks.ts";
import type { CreateInputs } from "./inputs.ts";
import { mountpoint } from "./paths.ts";
import { words } from "../program/blocks.ts";

/** Gives init a terminal as stdio, controlling terminal and /dev/console, if process.terminal asks for one. */
export function consoleTerminal(p: Program, root: Reg, { spec }: CreateInputs): void {
  if (spec.process?.terminal !== true) return;
  const { master, slave } = openTerminal(p, root, spec.process);
  mountConsole(p, root, slave);
  takeTerminal(p, master, slave);
}

/** The same for a process that joins a container, which has its /dev/console already. */
export function execTerminal(p: Program, root: Reg, process: Process): void {
  if (process.terminal !== true) return;
  const { master, slave } = openTerminal(p, root, process);
  takeTerminal(p, master, slave);
}

function openTerminal(p: Program, root: Reg, process: Process): { master: Reg; slave: Reg } {
  p.step("opening a pseudo terminal", {
    pointer: "/process/terminal",
    hints: { ENOENT: "config.json must mount a devpts at /dev/pts" },
  });
  const master = p.openat2(root, "dev/ptmx", { read: true, write: true, noctty: true });
  p.emit("ioctl", [master, abi.TIOCSPTLCK, words([0], "unlock")]);
  const slave = p.register("tty");
  const arch = p.arch === "x86_64" ? 0 : 1;
  const flags = abi.O_RDWR | abi.O_NOCTTY | abi.O_CLOEXEC | abi.O_NOFOLLOW_BY_ARCH[arch];
  // the peer by the master, not by its name: CVE-2025-52565
  p.emitInto(slave, "ioctl", [master, abi.TIOCGPTPEER, flags]);
  windowSize(p, slave, process);
  return { master, slave };
}

function mountConsole(p: Program, root: Reg, slave: Reg): void {
  p.step('mounting the terminal at "/dev/console"');
  const at = mountpoint(p, root, "/dev/console", { file: true });
  const tree = p.openTree(slave, "", { recursive: false });
  p.moveMount(tree, at);
  p.close(tree);
  p.close(at);
}

function takeTerminal(p: Program, master: Reg, slave: Reg): void {
  p.step("handing the terminal to the host");
  p.askWithFd(ASK.console, "console", master);
  p.close(master);

  p.step("taking the terminal as stdio");
  for (const fd of [0, 1, 2]) p.emit("dup3", [slave, fd, 0]);
  p.close(slave);
  p.emit("ioctl", [0, abi.TIOCSCTTY, 0]);
}

/**
 * Takes the container's own /dev/null for stdio that is the host's: a descriptor of a file outside cannot be checkpointed.
 * It is looked at, for the image may have put anything there; opening a FIFO or a device that waits does not hold init up.
 */
export function ownNull(p: Program, root: Reg, process: Process): void {
  if (process.terminal === true) return;
  p.step("taking the container's own /dev/null as stdio");
  const done = p.label("own /dev/null");
  const null_ = p.openat2(root, "dev/null", { read: true, write: true, nofollow: true, nonblock: true }, {
    on: "any",
    to: done,
  });
  p.emit("fcntl", [null_, abi.F_SETFL, 0]);
  const other = p.label("another /dev/null");
  unlessNull(p, null_, other);
  for (const fd of [0, 1, 2]) {
    const next = p.label(`stdio ${fd} is something else`);
    unlessNull(p, fd, next);
    p.emit("dup3", [null_, fd, 0]);
    p.place(next);
  }
  p.place(other);
  p.close(null_);
  p.place(done);
}

/** Jumps unless the descriptor is the null device; a closed one is not. */
function unlessNull(p: Program, fd: Reg | number, to: Label): void {
  const stat = new Data(new Uint8Array(STATX_SIZE), { text: "statx" });
  p.emit("statx", [fd, "", abi.AT_EMPTY_PATH, abi.STATX_TYPE, stat], { on: "any", to });
  const word = p.register("word");
  for (const [field, value] of [["rdev_major", 1], ["rdev_minor", 3]] as const) {
    const same = p.label(`${field} ${value}`);
    p.emitInto(word, "load32", [new Within(stat, STATX.offset(field))]);
    p.emit("jump_if_equal", [word, value], { to: same });
    p.jump(to);
    p.place(same);
  }
  p.free(word);
}

/** consoleSize counts only when both of its sides do. */
function windowSize(p: Program, tty: Reg, { consoleSize }: Process): void {
  const { height = 0, width = 0 } = consoleSize ?? {};
  if (height === 0 || width === 0) return;
  const size = new Data(WINSIZE.pack({ row: height, col: width }), { text: `${height} rows, ${width} columns` });
  p.emit("ioctl", [tty, abi.TIOCSWINSZ, size]);
}
