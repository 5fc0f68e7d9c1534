/** The program that runs one hook: in the host's namespaces, or in those of a container's init. */

import * as abi from "../../ffi/abi.ts";
import { table } from "../program/blocks.ts";
import type { Architecture } from "../program/image.ts";
import { Program } from "../program/program.ts";
import type { Hook } from "../spec/types.ts";
import { defaultSignals } from "./namespaces.ts";

/** Every namespace that setns(2) can take from a pidfd. */
const ALL_NAMESPACES = abi.CLONE_NEWNS | abi.CLONE_NEWUTS | abi.CLONE_NEWIPC | abi.CLONE_NEWNET | abi.CLONE_NEWPID |
  abi.CLONE_NEWCGROUP | abi.CLONE_NEWTIME;

/** What `planHook` needs. The descriptors are inherited by the program. */
export interface HookInputs {
  readonly arch: Architecture;
  readonly hook: Hook;
  /** Environment when the hook names none. */
  readonly env: readonly string[];
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly socket: number;
  /** Run it where this process is; `user` when it has another user namespace than the host. */
  readonly join?: { readonly pidfd: number; readonly user: boolean };
  /** Directory to be in; absent leaves the host's. */
  readonly cwd?: string;
}

/** The program of one hook. */
export function planHook({ arch, hook, env, stdin, stdout, stderr, join, cwd }: HookInputs): Program {
  const p = new Program(arch);
  p.step("preparing the hook");
  defaultSignals(p);
  for (const [i, fd] of [stdin, stdout, stderr].entries()) p.emit("dup3", [fd, i, 0]);
  if (join !== undefined) {
    p.step("joining the container's namespaces", {
      hints: { ESRCH: "the container has ended", EPERM: "the caller has no rights over the container" },
    });
    // non-dumpable from before the first of the container's processes can see this one: CVE-2016-9962
    p.prctl(abi.PR_SET_DUMPABLE, 0);
    p.emit("setns", [join.pidfd, join.user ? ALL_NAMESPACES | abi.CLONE_NEWUSER : ALL_NAMESPACES]);
    p.cloneAndContinue(0);
    // the message tells the host the pid of this process
    p.tell("the hook's process");
  }
  if (cwd !== undefined) {
    p.step(`entering "${cwd}"`);
    const directory = p.openat2(abi.AT_FDCWD, cwd, { directory: true, resolve: "host" });
    p.emit("fchdir", [directory]);
    p.close(directory);
  }
  p.step(`executing hook "${hook.path}"`);
  p.emit("close_range", [3, 0xffffffff, abi.CLOSE_RANGE_CLOEXEC]);
  p.execve(hook.path, table(hook.args ?? [hook.path]), table(hook.env ?? env));
  return p;
}
