/**
 * Cheap moves between cgroups. CRIU moves what it restores into its cgroups, and who is the first for a while to move a
 * process waits for a grace period of RCU (the kernel's cgroup_threadgroup_rwsem, 8 to 15 ms). runo has nothing to do while
 * CRIU reads its images: it moves itself to where it is, again and again, so that nothing is left to wait for.
 */

import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from "../ffi/abi.ts";
import { tryCall } from "../ffi/call.ts";
import { Fd } from "../ffi/fd.ts";
import { ownDirectory, readLayout } from "../core/cgroup/layout.ts";

/** Moves this process to where it is. */
export class SelfMover implements Disposable {
  readonly #procs: Fd | undefined;

  constructor() {
    const { v1, v2 } = readLayout();
    const hierarchy = v2 ?? v1[0];
    if (hierarchy === undefined) return;
    const number = tryCall("openat", AT_FDCWD, `${ownDirectory(hierarchy)}/cgroup.procs`, O_WRONLY | O_CLOEXEC, 0);
    if (typeof number === "number") this.#procs = new Fd(number);
  }

  /** Who may not do it does without. */
  move(): void {
    if (this.#procs !== undefined) tryCall("write", this.#procs.number, MYSELF, MYSELF.length);
  }

  [Symbol.dispose](): void {
    this.#procs?.[Symbol.dispose]();
  }
}

const MYSELF = new TextEncoder().encode("0");
