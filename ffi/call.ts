/** A system call of the host, made by name; errors are thrown as a SyscallError. */

import { type Errno, errnoName, type SyscallName, SYSCALLS } from "./abi.ts";
import { errnoCell, libc, libcWaiting } from "./libc.ts";
import { addressOf, cString } from "./memory.ts";

/** What a system call takes: an integer, a path, memory, or nothing. */
export type Argument = number | bigint | string | Uint8Array<ArrayBuffer> | null;

/** A system call that failed: its name, its arguments and the errno's name. The leaf of every error of runo. */
export class SyscallError extends Error {
  override readonly name = "SyscallError";
  readonly syscall: SyscallName;
  readonly args: readonly Argument[];
  readonly errno: string;

  constructor(syscall: SyscallName, args: readonly Argument[], errno: number) {
    super(`${syscall}: ${errnoName(errno)}`);
    this.syscall = syscall;
    this.args = args;
    this.errno = errnoName(errno);
  }
}

/** 0 on x86_64, 1 on aarch64: the column of the tables in abi.ts. */
export const ARCH: 0 | 1 = Deno.build.arch === "aarch64" ? 1 : 0;

/** What running calls point to, so that no collection takes it away while the kernel looks. */
const held = new Set<readonly unknown[]>();

function word(argument: Argument, keep: unknown[]): bigint {
  if (typeof argument === "bigint") return argument;
  if (typeof argument === "number") return BigInt(argument);
  if (argument === null) return 0n;
  const bytes = typeof argument === "string" ? cString(argument) : argument;
  keep.push(bytes);
  return addressOf(bytes);
}

type Words = [bigint, bigint, bigint, bigint, bigint, bigint];

function words(args: readonly Argument[], keep: unknown[]): Words {
  const six: Words = [0n, 0n, 0n, 0n, 0n, 0n];
  args.forEach((argument, i) => six[i] = word(argument, keep));
  return six;
}

/** The number of the call that is made. */
const number = new BigInt64Array(1), numberBytes = new Uint8Array(number.buffer);

function attempt(name: SyscallName, args: readonly Argument[]): number {
  const keep: unknown[] = [];
  const w = words(args, keep);
  held.add(keep);
  const cell = errnoCell();
  number[0] = BigInt(SYSCALLS[name][ARCH]);
  const result = libc().syscall(numberBytes, ...w);
  const value = result === -1 ? -cell[0]! : result;
  held.delete(keep);
  return value;
}

/**
 * Makes a system call, again after EINTR.
 * @throws {SyscallError}
 */
export function call(name: SyscallName, ...args: Argument[]): number {
  for (;;) {
    const result = attempt(name, args);
    if (result >= 0) return result;
    if (result !== -4) throw new SyscallError(name, args, -result);
  }
}

/** Makes a system call that may well fail: the result, or the errno's name. */
export function tryCall(name: SyscallName, ...args: Argument[]): number | Errno {
  const result = attempt(name, args);
  return result >= 0 ? result : errnoName(-result) as Errno;
}

/** Makes a system call on another thread, so that signals and timers go on: the result, or -1 (errno is that thread's own). */
export async function callWaiting(name: SyscallName, ...args: Argument[]): Promise<number> {
  const keep: unknown[] = [];
  const w = words(args, keep);
  held.add(keep);
  try {
    return await libcWaiting().syscallAsync(BigInt(SYSCALLS[name][ARCH]), ...w);
  } finally {
    held.delete(keep);
  }
}
