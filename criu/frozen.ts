/**
 * Freezing the container before CRIU does. CRIU looks whether all processes are frozen, and when they are not yet, sleeps for
 * a tenth of a second; they take some microseconds. A container that it finds frozen it leaves frozen in the end, so somebody
 * must let that go on even if this process is killed: a guard, which waits until neither runo nor CRIU is there any more.
 */

import { SIGKILL } from "../ffi/abi.ts";
import { tryCall } from "../ffi/call.ts";
import { duplicate, type Fd, pipe } from "../ffi/fd.ts";
import { sealedFile } from "../ffi/file.ts";
import { pidfdOpen, reap, spawn, waitEnded } from "../ffi/spawn.ts";
import { freezeCgroup, thawCgroup } from "../core/cgroup/freezer.ts";
import type { Cgroup } from "../core/cgroup/paths.ts";
import { planThaw } from "../core/plan/criu.ts";

/** How long processes may take to freeze before that is left to CRIU, which tries harder. */
const FREEZE_TIMEOUT_MS = 20;
const GUARD_TIMEOUT_MS = 1000;

/** Holds a container still while it is dumped. Disposing lets it go on. */
export class Holder implements Disposable {
  /** To be held open by CRIU as well: the guard thaws when all who hold it have ended. */
  readonly hold: Fd;
  readonly #cgroup: Cgroup;
  readonly #freezer: string;
  readonly #waiting: Fd;
  #guard: number | undefined;

  /** @param freezer directory of the cgroup that CRIU is told to freeze */
  constructor(cgroup: Cgroup, freezer: string) {
    this.#cgroup = cgroup;
    this.#freezer = freezer;
    [this.#waiting, this.hold] = pipe();
  }

  /** Starts the guard. @throws {RunoError} */
  startGuard(): void {
    const isV1 = this.#freezer === this.#cgroup.paths["freezer"];
    const thawing = isV1 ? ["freezer.state", "THAWED"] as const : ["cgroup.freeze", "0"] as const;
    this.#guard = startGuard(this.#waiting, `${this.#freezer}/${thawing[0]}`, thawing[1]);
  }

  /** Freezes the container, if that can be done at once and somebody guards it. */
  freeze(): void {
    if (this.#guard === undefined) return;
    try {
      freezeCgroup(this.#cgroup, FREEZE_TIMEOUT_MS);
    } catch {
      // it goes on; CRIU will say what is in the way
    }
  }

  /** Waits for the guard: it must not thaw what somebody else freezes after this. */
  [Symbol.dispose](): void {
    this.hold[Symbol.dispose]();
    this.#waiting[Symbol.dispose]();
    if (this.#guard === undefined) return;
    using guard = pidfdOpen(this.#guard);
    if (!waitEnded(guard, GUARD_TIMEOUT_MS)) {
      tryCall("kill", this.#guard, SIGKILL);
      thawCgroup(this.#cgroup);
    }
    reap(this.#guard);
  }
}

function startGuard(waiting: Fd, file: string, text: string): number {
  using stack = new DisposableStack();
  const inherited = stack.use(duplicate(waiting.number, 3, true));
  const program = planThaw({ arch: Deno.build.arch, pipe: inherited.number, file, text });
  const image = stack.use(sealedFile("runo-guard", program.image(inherited.number)));
  return spawn(`/proc/self/fd/${image.number}`, ["runo", "guard"], []);
}
