/** The program of `create`: from a process of the host to the user's program. Pure: the order of everything is here. */

import { Program } from "../program/program.ts";
import { resetAffinity } from "./affinity.ts";
import { ASK } from "./asks.ts";
import { confine } from "./confine.ts";
import { consoleTerminal, ownNull } from "./terminal.ts";
import { chooseExecutable, enterWorkingDirectory, environment, launch, makeWorkingDirectory } from "./launch.ts";
import { devices } from "./devices.ts";
import type { CreateInputs } from "./inputs.ts";
import { hasNamespace, isNew } from "./inputs.ts";
import { hostName, kernelParameters, loopback, networkDevices, resourceLimits, scheduling } from "./kernel.ts";
import { labelExecution, labelledKeyring } from "./labels.ts";
import { maskPaths, readonlyPaths } from "./masks.ts";
import { mounts, readonlyTmpfs } from "./mounts.ts";
import { beginning, cgroupNamespace, endOnSignals, namespaces } from "./namespaces.ts";
import { closeIdmaps } from "./sources.ts";
import { bindRootfs, changeRoot, finishRootfs, privateProc } from "./rootfs.ts";

/** The program that becomes the container's init. */
export function planCreate(inputs: CreateInputs): Program {
  const { spec } = inputs;
  const p = new Program(inputs.facts.arch);

  beginning(p, {
    process: spec.process,
    keepFds: inputs.keepFds,
    given: [inputs.socket, inputs.fifo, ...inputs.idmaps.values()],
  });
  const joined = namespaces(p, inputs);
  endOnSignals(p);
  resetAffinity(p);

  // the new cgroup namespace's root is the cgroup that init is in now: not before it has been entered
  cgroupNamespace(p, inputs, joined);

  const proc = privateProc(p);
  labelledKeyring(p, proc, spec.process?.selinuxLabel, inputs);
  if (isNew(spec, "network")) loopback(p);
  if (Object.keys(spec.linux?.netDevices ?? {}).length > 0) networkDevices(p);

  const root = bindRootfs(p, inputs);
  mounts(p, root, inputs, joined.sources);
  closeIdmaps(p, inputs);
  devices(p, root, inputs);
  consoleTerminal(p, root, inputs);
  if (hooked(inputs, "prestart") || hooked(inputs, "createRuntime")) {
    p.step("asking the host for the createRuntime hooks");
    p.ask(ASK.createRuntimeHooks, "createRuntimeHooks");
  }
  if (hooked(inputs, "createContainer")) {
    p.step("asking the host for the createContainer hooks");
    p.ask(ASK.createContainerHooks, "createContainerHooks");
  }
  changeRoot(p, root, inputs);

  hostName(p, spec);
  kernelParameters(p, proc, spec);
  makeWorkingDirectory(p, root, inputs);
  readonlyTmpfs(p, root, inputs);
  if (hasNamespace(spec, "mount")) {
    readonlyPaths(p, root, spec);
    maskPaths(p, root, spec);
  }
  finishRootfs(p, root, inputs);

  if (spec.process !== undefined) ownNull(p, root, spec.process);
  const env = environment(p, root, inputs);
  scheduling(p, spec);
  resourceLimits(p, inputs);
  if (spec.process !== undefined) labelExecution(p, proc, spec.process);
  confine(p, inputs, () => enterWorkingDirectory(p, root, inputs));
  const executable = chooseExecutable(p, inputs);
  launch(p, proc, root, inputs, executable, env);
  return p;
}

function hooked({ spec }: CreateInputs, phase: "prestart" | "createRuntime" | "createContainer"): boolean {
  return (spec.hooks?.[phase]?.length ?? 0) > 0;
}
