/** Loading a seccomp filter: the program is compiled by core/host/seccomp.ts, and here it becomes a step. */

import * as abi from "../../ffi/abi.ts";
import { SOCK_FILTER, SOCK_FPROG } from "../../ffi/structs.ts";
import { Data, type Handling, type Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Process } from "../spec/types.ts";
import { ASK } from "./asks.ts";

/** A compiled profile. */
export interface SeccompFilter {
  /** struct sock_filter[] */
  readonly program: Uint8Array<ArrayBuffer>;
  /** SECCOMP_FILTER_FLAG_* without that for the listener. */
  readonly flags: number;
  /** Whether some rule asks an agent (SCMP_ACT_NOTIFY), which gets the listener. */
  readonly notifies: boolean;
}

/** What these steps look at. */
export interface SeccompInputs {
  readonly spec: { readonly process?: Process };
  readonly seccomp: SeccompFilter | undefined;
  readonly facts: { readonly euid: number };
}

/** When the filter is loaded. */
export type Moment =
  /** Before the last rights are given up: without no_new_privs loading needs CAP_SYS_ADMIN. */
  | "with rights"
  /** While the host still listens: an agent must have the listener before anything else is filtered. */
  | "before ready"
  /** As the last call but execve, so that the profile need not allow what init does. */
  | "last";

/** The moment for this filter. */
export function seccompMoment({ spec, seccomp }: Pick<SeccompInputs, "spec" | "seccomp">): Moment | undefined {
  if (seccomp === undefined) return undefined;
  if (spec.process?.noNewPrivileges !== true) return "with rights";
  return seccomp.notifies ? "before ready" : "last";
}

/** Loads the filter if this is its moment; a listener goes to the host, which hands it to the agent. */
export function loadSeccomp(p: Program, inputs: SeccompInputs, moment: Moment, handling: Handling = {}): void {
  const { seccomp } = inputs;
  if (seccomp === undefined || seccompMoment(inputs) !== moment) return;
  // pidfd_getfd of an unprivileged host needs a process that may be traced
  const opens = seccomp.notifies && inputs.facts.euid !== 0;
  if (opens) {
    p.step("showing the seccomp listener to the host");
    p.prctl(abi.PR_SET_DUMPABLE, 1);
  }
  p.step("loading the seccomp filter", {
    pointer: "/linux/seccomp",
    hints: {
      EACCES: "without no_new_privs it needs CAP_SYS_ADMIN",
      EINVAL: "the kernel does not know a flag or an action of the profile",
      ENOMEM: "the filters of the process are too many or too long",
      EBUSY: "a filter above this one has a listener already",
    },
  });
  const program = filterData(seccomp.program);
  if (!seccomp.notifies) {
    p.emit("seccomp", [abi.SECCOMP_SET_MODE_FILTER, seccomp.flags, program], handling);
    return;
  }
  const listener = p.register("listener"), flags = seccomp.flags | abi.SECCOMP_FILTER_FLAG_NEW_LISTENER;
  p.emitInto(listener, "seccomp", [abi.SECCOMP_SET_MODE_FILTER, flags, program], handling);
  handOver(p, listener, opens);
  p.free(listener);
}

function filterData(program: Uint8Array<ArrayBuffer>): Data {
  const length = program.length / SOCK_FILTER.size;
  return new Data(SOCK_FPROG.pack({ len: length }), {
    pointers: [[SOCK_FPROG.offset("filter"), new Data(program)]],
    text: `filter of ${length} instructions`,
  });
}

/** The number goes to the host by write(2), which no profile may send to an agent; the host takes the descriptor itself. */
function handOver(p: Program, listener: Reg, opened: boolean): void {
  p.step("handing the seccomp listener to the host", { pointer: "/linux/seccomp/listenerPath" });
  p.askWith(ASK.seccomp, "seccomp", listener);
  // the agent may forbid it: the process has nothing to hide yet
  if (opened) p.prctl(abi.PR_SET_DUMPABLE, 0, 0, { ignore: "any" });
  p.emit("close", [listener], { ignore: "any" });
}
