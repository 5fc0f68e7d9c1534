/** Hooks: programs of the config that run at points of the life cycle, with the container's state on stdin. */

import { RunoError } from "../error.ts";
import { OCI_VERSION, type State, type Status } from "../spec/state.ts";
import type { Hook, HookPhase } from "../spec/types.ts";
import type { Container } from "./container.ts";
import { type HookPlace, runHook } from "./hook_process.ts";
import { innerPid } from "./procfs.ts";
import { recordedAnnotations, recordedBundle } from "./state_file.ts";

/** What a state is made of, beside what is the same for all. */
export interface HookStateParts {
  readonly id: string;
  readonly status: Status;
  /** 0: there is no process (any more). */
  readonly pid: number;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** What a hook reads on stdin. */
export function hookState({ id, status, pid, bundle, annotations = {} }: HookStateParts): State {
  return {
    ociVersion: OCI_VERSION,
    id,
    status,
    ...pid === 0 ? {} : { pid },
    bundle,
    ...Object.keys(annotations).length === 0 ? {} : { annotations },
  };
}

/** The same for a container that exists; `inside` gives the pid as the container's processes see it. */
export function containerHookState({ id, state }: Container, status: Status, inside = false): State {
  const pid = state.init_process_pid;
  return hookState({
    id,
    status,
    pid: status === "stopped" ? 0 : inside ? innerPid(pid) : pid,
    bundle: recordedBundle(state),
    annotations: recordedAnnotations(state),
  });
}

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
