/** Programs that look at what busybox cannot: made of system calls, as init is. */

import * as abi from "../../../ffi/abi.ts";
import { ERRNO, type Errno, type SyscallName } from "../../../ffi/abi.ts";
import { Data } from "../../../core/program/assembly.ts";
import { Program } from "../../../core/program/program.ts";

const KEY_SPEC_SESSION_KEYRING = -3;

/**
 * Writes a program that prints the description of its session keyring, "keyring;0;0;3f3b0000;NAME" and NULs; or what another
 * operation of keyctl(2) with the same arguments says about it.
 */
export function writeKeyringProbe(path: string, operation: number = abi.KEYCTL_DESCRIBE): void {
  const p = new Program(Deno.build.arch);
  const text = new Data(new Uint8Array(256), { text: "description" });
  p.step("describing the session keyring");
  p.emit("keyctl", [operation, KEY_SPEC_SESSION_KEYRING, text, text.bytes.length, 0]);
  p.emit("write", [1, text, text.bytes.length]);
  p.emit("exit_group", [0]);
  Deno.writeFileSync(path, p.image(2), { mode: 0o755 });
}

/** Writes a program that makes a system call without arguments and prints the errno's name, or "none of them". */
export function writeErrnoProbe(path: string, name: SyscallName, errnos: readonly Errno[]): void {
  const p = new Program(Deno.build.arch);
  const result = p.register("result");
  p.step(`calling ${name}`);
  p.emitInto(result, name, [-1, 0, 0, 0, 0, 0], { ignore: "any" });
  for (const errno of errnos) {
    const mine = p.label(errno), next = p.label(`not ${errno}`);
    p.emit("jump_if_equal", [result, -ERRNO[errno]], { to: mine });
    p.jump(next);
    p.place(mine);
    p.write(1, errno);
    p.emit("exit_group", [0]);
    p.place(next);
  }
  p.write(1, "none of them");
  p.emit("exit_group", [0]);
  Deno.writeFileSync(path, p.image(2), { mode: 0o755 });
}
