/** Freezing: the process that the freezer has brought to its point is looked at from outside, as proc(5) shows it. */

import { RunoError } from "../../../core/error.ts";
import { sleep } from "../../../core/sleep.ts";
import { F_DUPFD, F_GETFD, F_SETFD, FD_CLOEXEC, SIGKILL } from "../../../ffi/abi.ts";
import { call, tryCall } from "../../../ffi/call.ts";
import { reap, reapIfEnded, spawn } from "../../../ffi/spawn.ts";
import { exists } from "../../exists.ts";
import type { Told } from "./freezer.ts";
import { FIRST_DESCRIPTOR } from "./places.ts";

/** /proc/PID/syscall of a process that waits where the freezer has told it to. */
const SYS_PAUSE = /^34 /;
const TIMEOUT_MS = 60_000, LOOK_MS = 50;

/** A mapping, as /proc/PID/maps tells it. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** "rwxp" */
  readonly permissions: string;
  readonly offset: number;
  /** A file, "[heap]", or "". */
  readonly name: string;
}

/** An open file. */
export interface Descriptor {
  readonly number: number;
  /** Where the link leads: "anon_inode:[eventpoll]". */
  readonly link: string;
  /** /proc/PID/fdinfo/N */
  readonly info: string;
}

/** A process that waits in the handler of a signal. */
export interface FrozenProcess {
  readonly told: Told;
  readonly mappings: readonly Mapping[];
  readonly descriptors: readonly Descriptor[];
  /** Registers of the system call that it waits in. */
  readonly stackPointer: number;
  readonly read: (address: number, length: number) => Uint8Array<ArrayBuffer>;
}

/** Runs `executable` (its freezer) until it is frozen, and lets `look` look at it. @throws {RunoError} */
export function freeze<T>(executable: string, work: string, look: (process: FrozenProcess) => T): T {
  const pid = start(executable, work);
  let hasEnded = false;
  try {
    wait(`process ${pid} to tell of itself`, () => {
      hasEnded = reapIfEnded(pid) !== undefined;
      if (hasEnded) {
        throw new RunoError(`freezing: ${Deno.readTextFileSync(`${work}/err`).trim() || "the process ended"}`);
      }
      return exists(`${work}/told.json`) && SYS_PAUSE.test(Deno.readTextFileSync(`/proc/${pid}/syscall`));
    });
    // the threads of a pool end when nobody has needed them for some time
    wait(`the other threads of process ${pid} to end`, () => [...Deno.readDirSync(`/proc/${pid}/task`)].length === 1);
    using memory = Deno.openSync(`/proc/${pid}/mem`);
    return look({
      told: JSON.parse(Deno.readTextFileSync(`${work}/told.json`)),
      mappings: readMappings(pid),
      descriptors: readDescriptors(pid),
      stackPointer: Number(Deno.readTextFileSync(`/proc/${pid}/syscall`).split(" ").at(-2)),
      read: (address, length) => {
        const bytes = new Uint8Array(length);
        memory.seekSync(address, Deno.SeekMode.Start);
        for (let at = 0; at < length;) at += memory.readSync(bytes.subarray(at)) ?? length;
        return bytes;
      },
    });
  } finally {
    if (!hasEnded) {
      tryCall("kill", pid, SIGKILL);
      reap(pid);
    }
  }
}

/**
 * Starts it so that other processes have room for what it has: with mappings far below where stacks are, as the kernel makes them
 * for programs whose stack has no limit, and with descriptors beyond those of callers. Its first three can be told apart.
 */
function start(executable: string, work: string): number {
  Deno.writeTextFileSync(`${work}/in`, "");
  const script = 'ulimit -s unlimited && exec "$0" <"$1/in" >"$1/out" 2>"$1/err"';
  const restore = occupyDescriptors();
  try {
    return spawn("/bin/sh", ["sh", "-c", script, executable, work], [
      `RUNO_WARM_UP=${work}`,
      `RUNO_FREEZER=${new URL("freezer.ts", import.meta.url).href}`,
      // the kernel would have to be told of another place in each thread
      "GLIBC_TUNABLES=glibc.pthread.rseq=0",
    ]);
  } finally {
    restore();
  }
}

/** Sees to it that programs started from now on inherit all descriptors below the first, and none from there on. */
function occupyDescriptors(): () => void {
  const undo: (() => void)[] = [];
  const open = Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => Number(name));
  for (let fd = 3; fd < Math.max(FIRST_DESCRIPTOR, ...open.map((fd) => fd + 1)); fd++) {
    const flags = tryCall("fcntl", fd, F_GETFD);
    if (typeof flags === "number") {
      call("fcntl", fd, F_SETFD, fd < FIRST_DESCRIPTOR ? 0 : FD_CLOEXEC);
      undo.push(() => call("fcntl", fd, F_SETFD, flags));
    } else if (fd < FIRST_DESCRIPTOR) {
      call("fcntl", 0, F_DUPFD, fd);
      undo.push(() => call("close", fd));
    }
  }
  return () => undo.forEach((step) => step());
}

function wait(what: string, holds: () => boolean): void {
  for (const deadline = performance.now() + TIMEOUT_MS; !holds();) {
    if (performance.now() > deadline) throw new RunoError(`freezing: waited in vain for ${what}`);
    sleep(LOOK_MS);
  }
}

function readMappings(pid: number): readonly Mapping[] {
  return Deno.readTextFileSync(`/proc/${pid}/maps`).trim().split("\n").map((line) => {
    const [, start, end, permissions, offset, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*)$/.exec(
      line,
    )!;
    return {
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(end!, 16),
      permissions: permissions!,
      offset: Number.parseInt(offset!, 16),
      name: name!,
    };
  });
}

function readDescriptors(pid: number): readonly Descriptor[] {
  return Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => ({
    number: Number(name),
    link: Deno.readLinkSync(`/proc/${pid}/fd/${name}`),
    info: Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`),
  })).sort((a, b) => a.number - b.number);
}
