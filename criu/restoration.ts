/** A container being restored: what has been made so far, what CRIU reports on its way, and how to take it back. */

import { SIGKILL } from "../ffi/abi.ts";
import { tryCall } from "../ffi/call.ts";
import { Fd } from "../ffi/fd.ts";
import { reap } from "../ffi/spawn.ts";
import { messageOf, RunoError } from "../core/error.ts";
import type { Created } from "../core/host/create.ts";
import { destroy } from "../core/host/destroy.ts";
import { hookState } from "../core/host/hook_state.ts";
import { runHooks } from "../core/host/hooks.ts";
import { type NewState, newState, now, stdioOf, thisCreator } from "../core/host/new_state.ts";
import { makeNotifyDirectory } from "../core/host/notify.ts";
import { writePidFile } from "../core/host/pid_file.ts";
import type { Prepared } from "../core/host/prepare.ts";
import type { RuncConfig } from "../core/host/runc_config.ts";
import { type StateFile, writeState } from "../core/host/state_file.ts";
import { sendTerminal } from "../core/host/terminal_receiver.ts";
import type { CgroupYard } from "../core/plan/criu.ts";
import { isNew } from "../core/plan/inputs.ts";
import { cgroupYard } from "./cgroup_yard.ts";
import type { CriuNotify } from "./gen/rpc_pb.ts";
import type { RestoreOptions } from "./options.ts";
import { loopbackUp } from "./process.ts";
import { type Criu, SINCE } from "./version.ts";

/** One restore. */
export class Restoration {
  readonly #dir: string;
  readonly #options: RestoreOptions;
  readonly #prepared: Prepared;
  readonly #criu: Criu;
  readonly #creator = thisCreator();
  /** Where CRIU finds the cgroup hierarchies. */
  readonly yard: CgroupYard | undefined;
  #created = now();
  #pid = 0;
  #master: Fd | undefined;

  constructor(dir: string, { options, prepared, criu }: {
    readonly options: RestoreOptions;
    readonly prepared: Prepared;
    readonly criu: Criu;
  }) {
    this.#dir = dir;
    this.#options = options;
    this.#prepared = prepared;
    this.#criu = criu;
    this.yard = cgroupYard(dir, criu);
  }

  /** Where CRIU finds the root file system; seen by CRIU alone. */
  get root(): string {
    return `${this.#dir}/criu-root`;
  }

  get #mountPoints(): string[] {
    return this.yard === undefined ? [this.root] : [this.root, this.yard.directory];
  }

  /** Writes down what is about to be made, so that `delete --force` finds it whatever happens to this process. */
  begin(): void {
    writeState(this.#dir, this.#state({ creator: this.#creator }));
    for (const directory of this.#mountPoints) Deno.mkdirSync(directory);
    if (this.#options.notifySocket !== undefined) makeNotifyDirectory(this.#dir);
    this.#prepared.cgroup.create();
    this.#prepared.rdt?.create();
  }

  /** What is done when CRIU has come to a certain point. */
  notified({ script, pid }: CriuNotify, fd: Fd | undefined): void {
    this.#options.debug(`notify: ${script}`);
    if (script === "setup-namespaces") this.#namespacesMade(pid);
    if (script === "orphan-pts-master") this.#terminal(fd);
    if (script === "post-restore") this.#restored(pid);
  }

  /** The namespaces are there, what is to be in them is not: there is no init yet, but a process in its place. */
  #namespacesMade(pid: number): void {
    this.#pid = pid;
    // it starts all the others, and they follow it
    this.#prepared.rdt?.enter(pid);
    if (isNew(this.#prepared.spec, "network")) loopbackUp(pid);
    this.#runtimeHooks(pid);
  }

  #runtimeHooks(pid: number): void {
    const { prestart = [], createRuntime = [] } = this.#prepared.spec.hooks ?? {};
    const { id, bundle } = this.#options;
    const state = hookState({ id, status: "creating", pid, bundle, annotations: this.#prepared.spec.annotations });
    const place = { cwd: bundle };
    runHooks("prestart", prestart, state, place);
    runHooks("createRuntime", createRuntime, state, place);
  }

  #terminal(fd: Fd | undefined): void {
    if (fd === undefined) throw new RunoError("criu sent no terminal");
    this.#master = sendTerminal(new Fd(fd.release()), this.#options.consoleSocket);
  }

  /** All is restored and held still until the answer: state.json is there before the container can do anything. */
  #restored(pid: number): void {
    this.#pid = pid;
    this.#created = now();
    writeState(this.#dir, this.#state({ pid }));
  }

  /** The config as runc has it. */
  get config(): RuncConfig {
    return this.#state({ creator: this.#creator }).config;
  }

  finish(): Created {
    for (const directory of this.#mountPoints) Deno.removeSync(directory);
    const { pidFile } = this.#options;
    if (pidFile !== undefined) writePidFile(pidFile, this.#pid);
    return { dir: this.#dir, pid: this.#pid, master: this.#master };
  }

  /** Takes back everything; what the first error was stays the error. */
  async undo(): Promise<void> {
    this.#master?.[Symbol.dispose]();
    const { id, warn } = this.#options;
    // a child of this process: the number is its own until it is reaped
    if (this.#pid !== 0) tryCall("kill", this.#pid, SIGKILL);
    try {
      await destroy({ id, dir: this.#dir, state: this.#state({ creator: this.#creator }) }, warn);
    } catch (failure) {
      warn(`cleaning up: ${messageOf(failure)}`);
    }
    if (this.#pid !== 0) reap(this.#pid);
    // a class that has a name is not among what is the container's own
    try {
      this.#prepared.rdt?.remove();
    } catch (failure) {
      warn(`cleaning up: ${messageOf(failure)}`);
    }
  }

  #state(init: NewState["init"]): StateFile {
    const { config, ...rest } = newState({
      options: this.#options,
      prepared: this.#prepared,
      created: this.#created,
      init,
      descriptors: stdioOf(Deno.pid) ?? [],
    });
    return { ...rest, config: { ...config, namespaces: this.#namespaces(config.namespaces ?? []) } };
  }

  /** CRIU restores into a time namespace: `exec` must enter it. */
  #namespaces(namespaces: NonNullable<StateFile["config"]["namespaces"]>) {
    const known = namespaces.some(({ type }) => type === "NEWTIME");
    if (known || this.#criu.version < SINCE.timeNamespace || !hasTimeNamespaces()) return namespaces;
    return [...namespaces, { type: "NEWTIME", path: "" }];
  }
}

function hasTimeNamespaces(): boolean {
  try {
    Deno.lstatSync("/proc/self/ns/time");
    return true;
  } catch {
    return false;
  }
}
