/** Hooks: programs of the config that run at points of the life cycle, with the container's state on stdin. */

import { RunoError } from "../error.ts";
import type { State } from "../spec/state.ts";
import type { Hook, HookPhase } from "../spec/types.ts";
import { type HookPlace, runHook } from "./hook_process.ts";

/**
 * Runs the hooks of a phase in their order.
 * @throws {RunoError} `hook` at the first that fails; the rest of the phase is skipped
 */
export function runHooks(phase: HookPhase, hooks: readonly Hook[], state: State, place: HookPlace): void {
  for (const [i, hook] of hooks.entries()) {
    const failure = runHook(hook, state, place);
    if (failure !== undefined) throw new RunoError(`error running ${phase} hook #${i}: ${failure}`, { kind: "hook" });
  }
}

/** Runs every hook of a phase, whatever becomes of the others: poststop. @returns what went wrong */
export function runAllHooks(phase: HookPhase, hooks: readonly Hook[], state: State): string[] {
  return hooks.flatMap((hook, i) => {
    const failure = runHook(hook, state, { cwd: state.bundle });
    return failure === undefined ? [] : [`error running ${phase} hook #${i}: ${failure}`];
  });
}
