/** What hooks, and agents of seccomp, are told of a container. */

import { OCI_VERSION, type State, type Status } from "../spec/state.ts";
import type { Container } from "./container.ts";
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
