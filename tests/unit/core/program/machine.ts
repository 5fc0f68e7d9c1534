/** Runs programs for real, on this machine or as another one under qemu-user. It needs no rights. */

import { duplicate } from "../../../../ffi/fd.ts";
import type { Fd } from "../../../../ffi/fd.ts";
import { sealedFile } from "../../../../ffi/file.ts";
import { passCredentials, receive, socketPair } from "../../../../ffi/socket.ts";
import { type ExitStatus, reap, spawn } from "../../../../ffi/spawn.ts";
import type { Architecture } from "../../../../core/program/image.ts";
import { MESSAGE } from "../../../../core/program/image.ts";
import { Program } from "../../../../core/program/program.ts";

const QEMU: Readonly<Record<Architecture, string>> = {
  x86_64: "/usr/bin/qemu-x86_64",
  aarch64: "/usr/bin/qemu-aarch64",
};

/** Both architectures, and why a program for one of them cannot run here. */
export const MACHINES: readonly { readonly arch: Architecture; readonly missing: string | undefined }[] = [
  { arch: "x86_64", missing: missing("x86_64") },
  { arch: "aarch64", missing: missing("aarch64") },
];

function missing(arch: Architecture): string | undefined {
  if (Deno.build.arch === arch) return undefined;
  try {
    Deno.statSync(QEMU[arch]);
    return undefined;
  } catch {
    return `no ${QEMU[arch]} (apt-get install qemu-user)`;
  }
}

/** A test for each architecture. */
export function onEachMachine(name: string, run: (arch: Architecture) => void | Promise<void>): void {
  for (const { arch, missing } of MACHINES) {
    Deno.test({
      name: `${name} on ${arch}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
      ignore: missing !== undefined,
      fn: () => run(arch),
    });
  }
}

/** A test that needs this machine's own kernel, not what qemu-user makes of it. */
export function onThisMachine(name: string, run: (arch: Architecture) => void | Promise<void>): void {
  Deno.test(name, () => run(Deno.build.arch));
}

/** What a program said and how it ended. */
export interface Outcome {
  /** The report of the step that failed. */
  readonly failed?: { readonly instruction: number; readonly errno: number };
  /** What the kernel said about a file system. */
  readonly log: readonly string[];
  /** All other messages, without their kind. */
  readonly told: readonly Uint8Array[];
  readonly status: ExitStatus | undefined;
}

/** Writes a program and runs it to its end. */
export function run(arch: Architecture, write: (p: Program) => void): Outcome {
  const p = new Program(arch);
  write(p);
  using running = start(p);
  return running.finish();
}

/** Starts a program. */
export function start(p: Program): Running {
  return new Running(p);
}

/** A program that runs. */
export class Running implements Disposable {
  readonly pid: number;
  readonly socket: Fd;
  #reaped = false;

  constructor(p: Program) {
    const [ours, theirs] = socketPair();
    passCredentials(ours);
    using _theirs = theirs;
    using socket = duplicate(theirs.number, 100, true);
    using image = sealedFile("program", p.image(socket.number));
    using inherited = duplicate(image.number, 100, true);
    const path = `/proc/self/fd/${inherited.number}`;
    const native = p.arch === Deno.build.arch;
    this.pid = native ? spawn(path, ["program"], []) : spawn(QEMU[p.arch], ["qemu", path], []);
    this.socket = ours;
  }

  /** Reads what the program says until it closes the socket. */
  finish(): Outcome {
    let failed: Outcome["failed"];
    const log: string[] = [], told: Uint8Array[] = [];
    for (;;) {
      const { bytes } = receive(this.socket, 4096);
      if (bytes.length === 0) break;
      const words = new DataView(bytes.buffer);
      const kind = words.getUint32(0, true);
      if (kind === MESSAGE.FAILED) failed = { instruction: words.getUint32(4, true), errno: words.getUint32(8, true) };
      else if (kind === MESSAGE.LOG) log.push(new TextDecoder().decode(bytes.subarray(4)));
      else told.push(bytes.subarray(4));
    }
    const status = this.wait();
    return { ...failed === undefined ? {} : { failed }, log, told, status };
  }

  /** Closes the host's end of the conversation. */
  hangUp(): void {
    this.socket[Symbol.dispose]();
  }

  /** Waits for the end. */
  wait(): ExitStatus | undefined {
    this.#reaped = true;
    return reap(this.pid);
  }

  [Symbol.dispose](): void {
    this.hangUp();
    if (!this.#reaped) reap(this.pid);
  }
}
