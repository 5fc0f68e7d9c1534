/** Programs for containers that make the system calls of a test and next to nothing else: no library adds its own. */

import { ERRNO, type Errno, type SyscallName } from "../../../ffi/abi.ts";
import type { Label, Reg } from "../../../core/program/assembly.ts";
import type { Architecture } from "../../../core/program/image.ts";
import { Program } from "../../../core/program/program.ts";
import type { Sandbox } from "../harness.ts";

/** A system call and its arguments. */
export type Probe = readonly [name: SyscallName, ...args: (number | bigint | string)[]];

/** Errors that a probe prints by their names. */
const ERRORS = ["EPERM", "ENOENT", "EBADF", "EACCES", "EFAULT", "EINVAL", "ENOSYS", "ENETDOWN"] as const;

/**
 * Puts a program into the sandbox' root file system that makes these calls, and prints a line for each: "ok", or the name of
 * its error. Beside them it makes write and exit_group alone.
 * @returns its path in the container
 */
export function probe(box: Sandbox, calls: readonly Probe[]): string {
  const p = new Program(Deno.build.arch as Architecture);
  for (const [name, ...args] of calls) {
    const result = p.register("result"), failed = p.label("failed"), next = p.label("next");
    p.emitInto(result, name, args, { on: "any", to: failed });
    print(p, "ok", next);
    p.place(failed);
    for (const errno of ERRORS) printIf(p, result, errno, next);
    print(p, "another error", next);
    p.place(next);
    p.free(result);
  }
  p.emit("exit_group", [0]);
  Deno.writeFileSync(`${box.rootfs}/probe`, p.image(NO_SOCKET), { mode: 0o755 });
  return "/probe";
}

const NO_SOCKET = -1;

function print(p: Program, text: string, next: Label): void {
  p.write(1, `${text}\n`, { ignore: "any" });
  p.jump(next);
}

function printIf(p: Program, result: Reg, errno: Errno, next: Label): void {
  const same = p.label(errno), other = p.label(`not ${errno}`);
  p.emit("jump_if_equal", [result, -ERRNO[errno]], { to: same });
  p.jump(other);
  p.place(same);
  print(p, errno, next);
  p.place(other);
}
