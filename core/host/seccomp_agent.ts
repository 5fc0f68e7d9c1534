/** The agent of a seccomp profile: it decides about system calls that the profile leaves to it (SCMP_ACT_NOTIFY). */

import { call } from "../../ffi/call.ts";
import { Fd } from "../../ffi/fd.ts";
import { connectStream, sendFd } from "../../ffi/socket.ts";
import { pidfdOpen } from "../../ffi/spawn.ts";
import { RunoError } from "../error.ts";
import { OCI_VERSION, type State } from "../spec/state.ts";
import type { Seccomp } from "../spec/types.ts";
import type { Ask } from "./conversation.ts";

/** The name of the one descriptor in the message; runtime-spec config-linux.md, "The Container Process State". */
const SECCOMP_FD = "seccompFd";

/**
 * Takes the listener out of the process that has loaded the filter, and sends it to the agent.
 * @param state of the container
 * @throws {RunoError} when there is no agent: the filter would make the process wait for it
 */
export function handToAgent(profile: Seccomp | undefined, { pid, number }: Ask, state: State): void {
  const { listenerPath, listenerMetadata } = profile ?? {};
  if (listenerPath === undefined || listenerPath === "") throw new RunoError("seccomp listenerPath is not set");
  if (number === undefined) throw new RunoError("container init sent no seccomp listener");
  using listener = takeFd(pid, number);
  const message = {
    ociVersion: OCI_VERSION,
    fds: [SECCOMP_FD],
    pid,
    ...listenerMetadata ? { metadata: listenerMetadata } : {},
    state,
  };
  using agent = connect(listenerPath);
  try {
    sendFd(agent, new TextEncoder().encode(JSON.stringify(message)), listener.number);
  } catch (error) {
    throw new RunoError(`cannot send seccomp fd to ${listenerPath}`, { cause: error });
  }
}

/** A copy of another process' descriptor. */
function takeFd(pid: number, number: number): Fd {
  try {
    using pidfd = pidfdOpen(pid);
    return new Fd(call("pidfd_getfd", pidfd.number, number, 0));
  } catch (error) {
    throw new RunoError(`taking the seccomp listener ${number} of process ${pid}`, { cause: error });
  }
}

function connect(path: string): Fd {
  try {
    return connectStream(path);
  } catch (error) {
    throw new RunoError("failed to connect with seccomp agent specified in the seccomp profile", { cause: error });
  }
}
