/** The program that runs one hook: in the host's namespaces, or in those of a container. */

import * as abi from "../../ffi/abi.ts";
import type { Data } from "../program/assembly.ts";
import { table } from "../program/blocks.ts";
import { Program } from "../program/program.ts";
import type { Hook, Spec } from "../spec/types.ts";
import { ASK } from "./asks.ts";
import { confine, filter } from "./confine.ts";
import type { HostFacts } from "./inputs.ts";
import { joinContainer, type Joined } from "./join.ts";
import { resourceLimits } from "./kernel.ts";
import { isLabelled, joinedProc, labelExecution, labelledKeyring } from "./labels.ts";
import { enterWorkingDirectory, environment } from "./launch.ts";
import { defaultSignals, keepOnly } from "./namespaces.ts";
import { loadSeccomp, type SeccompFilter } from "./seccomp.ts";

/** The container that a hook runs in. */
export interface HookContainer extends Joined {
  readonly id: string;
  readonly noNewKeyring: boolean;
  /** Its config and filter, when the hook gets no more rights than its process: the image may have brought the hook. */
  readonly confined?: Confined;
}

/** What the container's process may do. */
interface Confined {
  readonly spec: Spec;
  readonly seccomp: SeccompFilter | undefined;
}

/** What `planHook` needs. Numbers are those of descriptors that the program inherits. */
export interface HookInputs {
  readonly hook: Hook;
  readonly facts: Pick<HostFacts, "arch" | "euid" | "lastCapability" | "nofile">;
  /** Environment when the hook names none, and is not confined. */
  readonly env: readonly string[];
  readonly stdio: readonly [stdin: number, stdout: number, stderr: number];
  readonly socket: number;
  /** Directory to be in; a confined hook is in that of the container's process. */
  readonly cwd?: string;
  readonly container?: HookContainer;
}

/** The program of one hook. */
export function planHook(inputs: HookInputs): Program {
  const { hook, facts, container } = inputs;
  const p = new Program(facts.arch);
  beginning(p, inputs);
  if (container !== undefined) enterContainer(p, container);
  if (inputs.cwd !== undefined) enterDirectory(p, inputs.cwd);
  const confined = container?.confined;
  if (confined === undefined) resourceLimits(p, { spec: UNLIMITED, facts });
  const env = confined === undefined ? table(hook.env ?? inputs.env) : becomeProcess(p, inputs, confined);
  p.step("keeping descriptors from the hook");
  p.emit("close_range", [3, 0xffffffff, abi.CLOSE_RANGE_CLOEXEC]);
  if (confined !== undefined) filter(p, { ...confined, facts });

  p.step("telling the host that the hook is ready");
  p.ask(ASK.ready, "ready");
  if (confined !== undefined) loadSeccomp(p, { ...confined, facts }, "last");
  p.step(`executing hook "${hook.path}"`);
  p.execve(hook.path, table(hook.args?.length ? hook.args : [hook.path]), env);
  return p;
}

/** A config without rlimits: all that is to be done is to restore the caller's. */
const UNLIMITED: Spec = { ociVersion: "" };

function beginning(p: Program, { stdio, socket, container }: HookInputs): void {
  p.step("preparing the hook");
  defaultSignals(p);
  for (const [i, fd] of stdio.entries()) p.emit("dup3", [fd, i, 0]);
  const joined = container === undefined
    ? []
    : [container.init, ...container.root === undefined ? [] : [container.root]];
  keepOnly(p, 3, [socket, ...joined]);
}

function enterContainer(p: Program, container: HookContainer): void {
  // from before the first of the container's processes can see this one: CVE-2016-9962
  p.prctl(abi.PR_SET_DUMPABLE, 0);
  joinContainer(p, container);
  const process = container.confined?.spec.process;
  const proc = process !== undefined && isLabelled(process) ? joinedProc(p) : undefined;
  labelledKeyring(p, proc, process?.selinuxLabel, container);
  // it lasts until the hook is executed
  if (proc !== undefined && process !== undefined) labelExecution(p, proc, process);
  if (container.namespaces.includes("user")) {
    p.step("giving up the caller's groups");
    // a user namespace may deny it; the groups are unmapped there
    p.emit("setgroups", [0, 0], { ignore: "EPERM" });
  }
}

/** A bundle may have been removed since; the hook is told its path, and need not be in it. */
function enterDirectory(p: Program, path: string): void {
  p.step(`entering "${path}"`);
  const removed = p.label(`no ${path}`);
  const directory = p.openat2(abi.AT_FDCWD, path, { directory: true, resolve: "host" }, { on: "ENOENT", to: removed });
  p.emit("fchdir", [directory]);
  p.close(directory);
  p.place(removed);
}

/** Limits, rights, user and directory of the container's process. @returns the hook's environment */
function becomeProcess(p: Program, { hook, facts }: HookInputs, { spec, seccomp }: Confined): Data {
  p.step("opening the container's root");
  const root = p.openat2(abi.AT_FDCWD, "/", { directory: true, resolve: "host" });
  const env = hook.env === undefined ? environment(p, root, { spec, extraEnv: [], keepFds: 0 }) : table(hook.env);
  resourceLimits(p, { spec, facts });
  confine(p, { spec, facts, seccomp }, () => enterWorkingDirectory(p, root, { spec, extraEnv: [], keepFds: 0 }));
  p.emit("umask", [spec.process?.user?.umask ?? 0o022]);
  p.close(root);
  return env;
}
