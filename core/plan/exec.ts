/** The program of `exec`: from a process of the host to another process of a running container. */

import * as abi from "../../ffi/abi.ts";
import type { Architecture } from "../program/image.ts";
import { Program } from "../program/program.ts";
import type { Process, Spec } from "../spec/types.ts";
import { finalAffinity, initialAffinity } from "./affinity.ts";
import { ASK } from "./asks.ts";
import { confine, filter } from "./confine.ts";
import type { HostFacts } from "./inputs.ts";
import { joinContainer, type Joined } from "./join.ts";
import { resourceLimits, scheduling } from "./kernel.ts";
import { isLabelled, joinedProc, labelExecution, labelledKeyring } from "./labels.ts";
import { chooseExecutable, enterWorkingDirectory, environment, execute, prepareExecution } from "./launch.ts";
import { beginning } from "./namespaces.ts";
import type { SeccompFilter } from "./seccomp.ts";
import { execTerminal, ownNull } from "./terminal.ts";

/** What `planExec` needs. */
export interface ExecInputs extends Joined {
  readonly id: string;
  readonly noNewKeyring: boolean;
  /** The container's config, with the process to execute in place of its own. */
  readonly spec: Spec;
  readonly facts: Pick<HostFacts, "arch" | "euid" | "egid" | "lastCapability" | "nofile"> & {
    readonly arch: Architecture;
  };
  readonly seccomp: SeccompFilter | undefined;
  readonly keepFds: number;
  /** Number of the descriptor of the conversation, as the program inherits it. */
  readonly socket: number;
  readonly extraEnv: readonly string[];
}

/** The program of a process that joins a container. */
export function planExec(inputs: ExecInputs): Program {
  const { spec, facts } = inputs;
  const process = spec.process as Process;
  const p = new Program(facts.arch);
  const given = [inputs.socket, inputs.init, ...inputs.root === undefined ? [] : [inputs.root]];
  beginning(p, { process, keepFds: inputs.keepFds, given });
  initialAffinity(p, process);
  joinContainer(p, inputs);
  finalAffinity(p, process);
  p.step("becoming a session leader");
  p.prctl(abi.PR_SET_NAME, "runo:[2:EXEC]");
  p.emit("setsid", [], { ignore: "EPERM" });
  const proc = isLabelled(process) ? joinedProc(p) : undefined;
  labelledKeyring(p, proc, process.selinuxLabel, inputs);
  p.step("opening the container's root");
  const root = p.openat2(abi.AT_FDCWD, "/", { directory: true, resolve: "host" });
  execTerminal(p, root, process);
  ownNull(p, root, process);
  const env = environment(p, root, inputs);
  scheduling(p, spec);
  resourceLimits(p, inputs);
  if (proc !== undefined) labelExecution(p, proc, process);
  confine(p, inputs, () => enterWorkingDirectory(p, root, inputs));
  const executable = chooseExecutable(p, inputs);
  prepareExecution(p, inputs);
  filter(p, inputs);
  p.step("telling the host that the process is ready");
  p.ask(ASK.ready, "ready");
  execute(p, inputs, executable, env);
  return p;
}
