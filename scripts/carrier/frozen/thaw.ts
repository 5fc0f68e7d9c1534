/**
 * The program that makes a frozen process again in a new one: its memory, its descriptors, its thread. Whatever fails, the executable
 * is executed once more, to start as any program does.
 */

import { RunoError } from "../../../core/error.ts";
import { F_GETFD, O_CLOEXEC, SIGPIPE } from "../../../ffi/abi.ts";
import { makeDescriptors } from "./descriptors.ts";
import type { FrozenProcess } from "./freeze.ts";
import type { Memory, Range } from "./memory.ts";
import { Program, Register } from "./program.ts";

const PROTECTION = { r: 1, w: 2, x: 4 } as const;
const MAP_PRIVATE = 0x2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;
/** Linux 4.17; older kernels take it for a hint, which is as good where nothing is. */
const MAP_FIXED_NOREPLACE = 0x100000;
const ARCH_SET_FS = 0x1002, SIG_IGN = 1n, SIG_BLOCK = 0, SIGNAL_SET_BYTES = 8;
/** struct robust_list_head, and where libc has it from the thread's number on. */
const ROBUST_LIST = { size: 24, behind: 16 } as const;
/** Within this much of a thread's descriptor libc has its number. */
const THREAD_BYTES = 1024;

/** Registers that the entry has filled. */
const ARGV = new Register(2), ENVP = new Register(3), EXECUTABLE = new Register(4);
const LIBRARY = new Register(5), RESULT = new Register(6);

/** Offsets in the frame of a signal, struct rt_sigframe of x86-64. */
const FRAME = { floatingPoint: 8 + 40 + 184, mask: 8 + 296 } as const;
/** Where the saved floating point registers say that more follows than FXSAVE knows. */
const EXTENDED_MAGIC = 464;

/**
 * The program.
 * @param mark address of the path under which the executable is executed again
 * @param pages offset in the executable of the memory's pages, which follow each other
 */
export function thawProgram(process: FrozenProcess, memory: Memory, { mark, pages }: {
  readonly mark: number;
  readonly pages: number;
}): Program {
  const program = new Program();
  // a descriptor that is closed would be given to the next file that is opened; Deno's own start takes care of that
  for (const fd of [0, 1, 2]) program.call("fcntl", fd, F_GETFD);
  mapLibraries(program, memory);
  mapMemory(program, memory, pages);
  makeDescriptors(program, process.descriptors);
  becomeThread(program, process);
  handleSignals(program, process);
  program.call("rt_sigreturn");
  program.call("execve", mark, ARGV, ENVP);
  return program;
}

/** The stack pointer for rt_sigreturn(2). */
export function framePointer(process: FrozenProcess): number {
  return findFrame(process) + 8;
}

/** A frame begins with the address that the handler returns to. */
function findFrame({ read, stackPointer, told }: FrozenProcess): number {
  const index = new BigUint64Array(read(stackPointer, 1024).buffer).indexOf(BigInt(told.restorer));
  if (index < 0) throw new RunoError("freezing: there is no frame of a signal on the stack");
  return stackPointer + 8 * index;
}

/** Takes from the frame what only a processor of the same kind would restore; no call keeps such registers. */
export function simplifyFrame(process: FrozenProcess, memory: Memory): void {
  const [saved] = new BigUint64Array(process.read(findFrame(process) + FRAME.floatingPoint, 8).buffer);
  const at = Number(saved) + EXTENDED_MAGIC;
  const stack = memory.pages.find(({ start, end }) => start <= at && at < end);
  if (stack === undefined) throw new RunoError("freezing: the frame of the signal is on no stack");
  new DataView(stack.bytes.buffer).setUint32(at - stack.start, 0, true);
}

function mapLibraries(program: Program, { libraries }: Memory): void {
  for (const { path, ranges, identity } of libraries) {
    program.callInto(LIBRARY, "open", cString(path), O_CLOEXEC, 0);
    for (const range of ranges) map(program, range, MAP_FIXED_NOREPLACE, LIBRARY, range.offset);
    program.call("close", LIBRARY);
    for (const [address, word] of identity) {
      program.callInto(RESULT, "load32", address);
      program.require(RESULT, word);
    }
  }
}

function mapMemory(program: Program, { anonymous, pages, protect }: Memory, offset: number): void {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  for (const { start, end, permissions } of anonymous) {
    program.call("mmap", start, end - start, protection(permissions), flags, -1n, 0);
  }
  for (const range of pages) {
    map(program, range, MAP_FIXED, EXECUTABLE, offset);
    offset += range.bytes.length;
  }
  program.call("close", EXECUTABLE);
  for (const { start, end, permissions } of protect) {
    program.call("mprotect", start, end - start, protection(permissions));
  }
}

function map(program: Program, range: Range, how: number, file: Register, offset: number): void {
  const { start, end, permissions } = range;
  program.call("mmap", start, end - start, protection(permissions), MAP_PRIVATE | how, file, offset);
}

function becomeThread(program: Program, { told, read }: FrozenProcess): void {
  const self = Number(told.self), index = new Uint32Array(read(self, THREAD_BYTES).buffer).indexOf(told.pid);
  if (index < 0) throw new RunoError("freezing: libc does not have the number of the thread where it was looked for");
  const number = self + 4 * index;
  program.call("arch_prctl", ARCH_SET_FS, self);
  program.callInto(RESULT, "set_tid_address", number);
  program.call("store32", RESULT, number);
  program.call("set_robust_list", number + ROBUST_LIST.behind, ROBUST_LIST.size);
  // the heap ends where the kernel says: libc shall ask
  const end = Number(told.currentBreak);
  for (const half of [end, end + 4]) program.call("store32", 0, half);
}

/** What Deno handles and ignores; the rest, and what is blocked, stays as the caller has it. */
function handleSignals(program: Program, process: FrozenProcess): void {
  const handle = (signal: number, action: readonly bigint[]) =>
    program.call("rt_sigaction", signal, words(action), 0, SIGNAL_SET_BYTES);
  for (const [signal, action] of process.told.signals) handle(signal, action.map(BigInt));
  handle(SIGPIPE, [SIG_IGN, 0n, 0n, 0n]);
  program.call("rt_sigprocmask", SIG_BLOCK, 0, findFrame(process) + FRAME.mask, SIGNAL_SET_BYTES);
}

function protection(permissions: string): number {
  return (["r", "w", "x"] as const).reduce(
    (sum, letter) => permissions.includes(letter) ? sum | PROTECTION[letter] : sum,
    0,
  );
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

function words(values: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values).buffer);
}
