/** The program of `exec`: from a process of the host to another process of a running container. */

import * as abi from "../../ffi/abi.ts";
import type { Architecture } from "../program/image.ts";
import { Program } from "../program/program.ts";
import type { NamespaceType, Process, Spec } from "../spec/types.ts";
import { ASK } from "./asks.ts";
import { type CgroupDirectories, enterCgroup, openCgroup } from "./cgroup.ts";
import { confine } from "./confine.ts";
import type { HostFacts } from "./inputs.ts";
import { resourceLimits, scheduling } from "./kernel.ts";
import { chooseExecutable, enterWorkingDirectory, environment, execute } from "./launch.ts";
import { becomeRoot, beginning, NAMESPACE_FLAG } from "./namespaces.ts";
import { execTerminal } from "./terminal.ts";

/** What `planExec` needs. */
export interface ExecInputs {
  /** The container's config, with the process to execute in place of its own. */
  readonly spec: Spec;
  /** The namespaces that the container has and the host has not. */
  readonly namespaces: readonly NamespaceType[];
  readonly facts: Pick<HostFacts, "arch" | "euid" | "egid" | "lastCapability" | "nofile"> & {
    readonly arch: Architecture;
  };
  readonly cgroup: CgroupDirectories;
  readonly keepFds: number;
  /** Numbers of the descriptors that the program inherits: the conversation, and a pidfd of init. */
  readonly socket: number;
  readonly init: number;
  readonly extraEnv: readonly string[];
}

/** The program of a process that joins a container. */
export function planExec(inputs: ExecInputs): Program {
  const { spec, facts } = inputs;
  const process = spec.process as Process;
  const p = new Program(facts.arch);
  beginning(p, { process, keepFds: inputs.keepFds, given: [inputs.socket, inputs.init] });
  join(p, inputs);
  p.step("opening the container's root");
  const root = p.openat2(abi.AT_FDCWD, "/", { directory: true, resolve: "host" });
  execTerminal(p, root, process);
  const env = environment(p, root, inputs);
  scheduling(p, spec);
  resourceLimits(p, inputs);
  confine(p, inputs, () => enterWorkingDirectory(p, root, inputs));
  const executable = chooseExecutable(p, inputs);
  p.step("telling the host that the process is ready");
  p.emit("umask", [process.user?.umask ?? 0o022]);
  p.ask(ASK.ready, "ready");
  execute(p, inputs, executable, env);
  return p;
}

/** All namespaces in one call; the pid namespace counts for children only. */
function join(p: Program, { namespaces, init, cgroup }: ExecInputs): void {
  const cloned = namespaces.includes("pid") || namespaces.includes("time");
  const opened = openCgroup(p, cgroup, cloned);
  const flags = namespaces.reduce((all, type) => all | NAMESPACE_FLAG[type], 0);
  if (flags !== 0) {
    p.step(`joining the container's ${namespaces.join(", ")} namespaces`, {
      hints: { ESRCH: "the container has ended", EPERM: "the caller has no rights over the container" },
    });
    p.emit("setns", [init, flags]);
  }
  p.emit("close", [init], { ignore: "any" });
  if (namespaces.includes("user")) becomeRoot(p);
  if (cloned) {
    p.step("cloning a process of the container");
    p.cloneAndContinue(0, opened.v2?.[1]);
  }
  enterCgroup(p, opened, cloned);
  p.step("becoming a session leader");
  p.prctl(abi.PR_SET_NAME, "runo:[2:EXEC]");
  p.emit("setsid", [], { ignore: "EPERM" });
}
