/** A container being created: the host's answers to its init, what has been made so far, and how to take it back. */

import type { Fd } from "../../ffi/fd.ts";
import { detachMount } from "../../ffi/file.ts";
import { type ExitStatus, reap } from "../../ffi/spawn.ts";
import { tryCall } from "../../ffi/call.ts";
import { SIGKILL } from "../../ffi/abi.ts";
import { messageOf, RunoError } from "../error.ts";
import { allMounts } from "../plan/sources.ts";
import type { State, Status } from "../spec/state.ts";
import type { NamespaceType, Spec } from "../spec/types.ts";
import { removeStateDir } from "./container.ts";
import type { Answers } from "./conversation.ts";
import { copyTree } from "./copy_up.ts";
import type { Created } from "./create.ts";
import { homeVariable } from "./home.ts";
import { hookState } from "./hook_state.ts";
import { mapMount } from "./idmapped.ts";
import { mapsOf, rootOnHost, writeIdMaps } from "./idmap.ts";
import { makeMountpoint, modeOf } from "./mountpoint.ts";
import { type NewState, newState, now, thisCreator } from "./new_state.ts";
import type { CreateOptions } from "./options.ts";
import { writePidFile } from "./pid_file.ts";
import type { Prepared } from "./prepare.ts";
import { innerPid } from "./procfs.ts";
import { setRlimits } from "./rlimits.ts";
import { type StateFile, writeState } from "./state_file.ts";
import { keepFd, sendPidfd, sendTerminal } from "./terminal_receiver.ts";
import { processMaps } from "./user_namespace.ts";

/** Code that few containers need. It is loaded before init is started: init waits for every answer. */
export interface Late {
  readonly hooks: typeof import("./hooks.ts") | undefined;
  readonly agent: typeof import("./seccomp_agent.ts") | undefined;
  readonly network: typeof import("./net_devices.ts") | undefined;
}

/** Loads what this container needs. */
export async function loadLate({ hooks = {}, linux = {} }: Spec): Promise<Late> {
  const { seccomp, netDevices = {} } = linux;
  return {
    hooks: Object.keys(hooks).length === 0 ? undefined : await import("./hooks.ts"),
    agent: seccomp?.listenerPath === undefined ? undefined : await import("./seccomp_agent.ts"),
    network: Object.keys(netDevices).length === 0 ? undefined : await import("./net_devices.ts"),
  };
}

/** What is known before anything is made. */
export interface Known {
  readonly options: CreateOptions;
  readonly prepared: Prepared;
  readonly late: Late;
}

/** One creation. */
export class Creation {
  readonly #dir: string;
  readonly #options: CreateOptions;
  readonly #prepared: Prepared;
  readonly #late: Late;
  readonly #created = now();
  /** Processes started and not yet reaped. */
  readonly #children = new Set<number>();
  #pid = 0;
  #master: Fd | undefined;
  #copyFrom: Fd | undefined;

  constructor(dir: string, { options, prepared, late }: Known) {
    this.#dir = dir;
    this.#options = options;
    this.#prepared = prepared;
    this.#late = late;
  }

  /** Writes down what is about to be made, and then makes the cgroup and the group in resctrl, so that `delete --force` finds it whatever happens to this process. */
  begin(): void {
    writeState(this.#dir, this.#state({ creator: thisCreator() }));
    this.#prepared.cgroup.create();
    this.#prepared.rdt?.create();
  }

  /** Takes note of the process that was started. */
  spawned(pid: number): void {
    this.#pid = pid;
    this.#children.add(pid);
  }

  /** What the host does for each ask. */
  answers(): Answers {
    const { inputs, spec, ids } = this.#prepared;
    return {
      asker: (pid) => this.#asked(pid),
      debug: this.#options.debug,
      idmap: ({ pid }) => writeIdMaps(pid, mapsOf(spec), ids),
      mountpoint: ({ fd, number }) => this.#makeMountpoint(fd!, number!),
      cgroup: ({ pid }) => this.#prepared.cgroup.enter(pid),
      mapIds: ({ fd, number }) => mapMount(fd!, allMounts(inputs)[number!]!, spec.linux ?? {}),
      mode: ({ fd }) => modeOf(fd!),
      copyFrom: (ask) => void (this.#copyFrom = keepFd(ask)),
      copyTo: ({ pid, fd }) => {
        using from = this.#copyFrom;
        if (from !== undefined && fd !== undefined) {
          copyTree(from, fd, namespaces(spec).has("user") ? processMaps(pid) : undefined);
        }
      },
      console: (ask) => void (this.#master = sendTerminal(keepFd(ask), this.#options.consoleSocket)),
      home: ({ fd }) => homeVariable(fd!, spec.process?.user?.uid ?? 0),
      rlimits: ({ pid }) => setRlimits(pid, spec.process?.rlimits ?? []),
      netDevices: ({ pid, fd }) =>
        this.#late.network?.moveNetDevices(spec.linux?.netDevices ?? {}, { pid, socket: fd! }),
      createRuntimeHooks: () => this.#runtimeHooks(),
      createContainerHooks: () => this.#containerHooks(),
      seccomp: (ask) => this.#late.agent?.handToAgent(spec.linux?.seccomp, ask, this.#hookState("creating", this.#pid)),
      ready: () => this.#ready(),
    };
  }

  #makeMountpoint(root: Fd, index: number): void {
    const { inputs, spec, ids } = this.#prepared;
    const path = allMounts(inputs)[index]!.destination;
    makeMountpoint(root, { path, file: inputs.facts.sources.get(index) === "file", owner: rootOnHost(spec, ids) });
  }

  /** prestart, then createRuntime: in the host's namespaces, before the root changes. */
  #runtimeHooks(): void {
    // what they see of init is what it will be
    this.#prepared.rdt?.enter(this.#pid);
    const { prestart = [], createRuntime = [] } = this.#prepared.spec.hooks ?? {};
    const state = this.#hookState("creating", this.#pid);
    const place = { cwd: this.#options.bundle };
    this.#late.hooks?.runHooks("prestart", prestart, state, place);
    this.#late.hooks?.runHooks("createRuntime", createRuntime, state, place);
  }

  /** createContainer: in init's namespaces, where the host's tree is still the root. */
  #containerHooks(): void {
    const { spec, rootfs, cgroup } = this.#prepared;
    const { id, noNewKeyring } = this.#options;
    this.#late.hooks?.runHooks(
      "createContainer",
      spec.hooks?.createContainer ?? [],
      this.#hookState("creating", innerPid(this.#pid)),
      {
        cwd: rootfs,
        container: {
          id,
          pid: this.#pid,
          namespaces: [...namespaces(spec)],
          cgroup: cgroup.joining,
          noNewKeyring,
          spec,
          confined: false,
        },
      },
    );
  }

  #hookState(status: Status, pid: number): State {
    const { id, bundle } = this.#options;
    return hookState({ id, status, pid, bundle, annotations: this.#prepared.spec.annotations });
  }

  /** Who asks now: when it is another process than before, then init, and the one that cloned it has ended or is about to. */
  #asked(pid: number): void {
    if (pid === this.#pid) return;
    reap(this.#pid);
    this.#children.delete(this.#pid);
    this.spawned(pid);
  }

  /** state.json says what there is, before init may go on without this process. */
  #ready(): void {
    const { pidFile, pidfdSocket } = this.#options;
    this.#prepared.rdt?.enter(this.#pid);
    if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, this.#pid);
    writeState(this.#dir, this.#state({ pid: this.#pid }));
    if (pidFile !== undefined) writePidFile(pidFile, this.#pid);
  }

  finish(): Created {
    return { dir: this.#dir, pid: this.#pid, master: this.#master };
  }

  /** Takes back everything; what the first error was stays the error. */
  undo(error: unknown): RunoError {
    const endings = [...this.#children].map((pid) => {
      tryCall("kill", pid, SIGKILL);
      return reap(pid);
    });
    this.#master?.[Symbol.dispose]();
    this.#copyFrom?.[Symbol.dispose]();
    // the cgroup tells it as long as it is there; whatever failed, that is why
    const outOfMemory = this.#prepared.cgroup.outOfMemory();
    const failures = [
      () => this.#prepared.cgroup.remove(),
      () => this.#prepared.rdt?.remove(),
      () => this.#unmountRootfs(),
      () => removeStateDir(this.#dir),
      () => this.#poststopHooks(),
    ].flatMap(attempt);
    for (const failure of failures) this.#options.warn(`cleaning up: ${messageOf(failure)}`);
    return outOfMemory ?? explained(error, endings.at(-1));
  }

  #poststopHooks(): void {
    if (this.#pid === 0) return;
    const hooks = this.#prepared.spec.hooks?.poststop ?? [];
    const failures = this.#late.hooks?.runAllHooks("poststop", hooks, this.#hookState("stopped", 0)) ?? [];
    for (const failure of failures) this.#options.warn(failure);
  }

  /** Without a mount namespace of its own the container's mounts are the host's. */
  #unmountRootfs(): void {
    const { spec, rootfs } = this.#prepared;
    if (!namespaces(spec).has("mount")) detachMount(rootfs);
  }

  #state(init: NewState["init"]): StateFile {
    return newState({ options: this.#options, prepared: this.#prepared, created: this.#created, init });
  }
}

function namespaces(spec: Spec): Set<NamespaceType> {
  return new Set(spec.linux?.namespaces?.map(({ type }) => type));
}

function attempt(step: () => void): unknown[] {
  try {
    step();
    return [];
  } catch (error) {
    return [error];
  }
}

/** Says how init died when all that is known is that it did. */
function explained(error: unknown, ending: ExitStatus | undefined): RunoError {
  const known = error instanceof RunoError ? error : new RunoError("creating the container", { cause: error });
  const silent = known.phrase === "container init ended before it was ready";
  if (!silent || ending === undefined) return known;
  const how = "signal" in ending ? `signal ${ending.signal}` : `code ${ending.code}`;
  return new RunoError(`${known.phrase} (${how})`, {
    hint: "signal" in ending && ending.signal === SIGKILL ? "killed from outside" : undefined,
  });
}
