/** The terminal: a pseudo terminal of the container's own devpts, its master handed to the host. */

import * as abi from "../../ffi/abi.ts";
import { WINSIZE } from "../../ffi/structs.ts";
import { Data, type Reg } from "../program/assembly.ts";
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

/** consoleSize counts only when both of its sides do. */
function windowSize(p: Program, tty: Reg, { consoleSize }: Process): void {
  const { height = 0, width = 0 } = consoleSize ?? {};
  if (height === 0 || width === 0) return;
  const size = new Data(WINSIZE.pack({ row: height, col: width }), { text: `${height} rows, ${width} columns` });
  p.emit("ioctl", [tty, abi.TIOCSWINSZ, size]);
}
