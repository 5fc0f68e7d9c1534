/** `exec`: another process in a running container. What it does is decided by the command, never by looking again. */

import { effectiveIds } from "./credentials.ts";
import { SIGKILL } from "../../ffi/abi.ts";
import { tryCall } from "../../ffi/call.ts";
import { duplicate, type Fd } from "../../ffi/fd.ts";
import { openPath, sealedFile } from "../../ffi/file.ts";
import { passCredentials, socketPair } from "../../ffi/socket.ts";
import { pidfdOpen, reap, spawn } from "../../ffi/spawn.ts";
import { oomKills } from "../cgroup/oom.ts";
import { exists } from "../cgroup/files.ts";
import type { Cgroup } from "../cgroup/paths.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import { planExec } from "../plan/exec.ts";
import type { SeccompFilter } from "../plan/seccomp.ts";
import type { Program } from "../program/program.ts";
import type { Spec } from "../spec/types.ts";
import { cgroupToJoin, directoriesOf, recordedCgroup, subCgroup } from "./recorded_cgroup.ts";
import { withCapabilities } from "./configured_process.ts";
import { takeCallersSize } from "./console.ts";
import { type Container, containerStatus, isInitAlive, loadContainer } from "./container.ts";
import { awaitExecution, converse } from "./conversation.ts";
import { lastCapability } from "./facts.ts";
import { homeVariable } from "./home.ts";
import { containerHookState } from "./hook_state.ts";
import { compiledSeccomp } from "./late_seccomp.ts";
import { checkLabels, withLabels } from "./lsm.ts";
import { openFilesLimit } from "./nofile.ts";
import type { ExecOptions } from "./options.ts";
import { writePidFile } from "./pid_file.ts";
import { checkPreservedFds } from "./preserved_fds.ts";
import { setRlimits } from "./rlimits.ts";
import { recordedDriver, recordedNamespaces, recordedRdt, recordedSpec } from "./state_file.ts";
import { keepFd, sendPidfd, sendTerminal } from "./terminal_receiver.ts";
import { checkTerminal } from "./terminal_rules.ts";

/** A process that runs in a container. */
export interface Executed {
  readonly pid: number;
  /** The terminal's master, when nobody else took it. */
  readonly master: Fd | undefined;
}

/**
 * Executes a process in a container.
 * @param meanwhile called once the process has been started, while it is on its way
 * @throws {RunoError} and no process is left behind
 */
export async function execProcess(options: ExecOptions, meanwhile: () => void = () => {}): Promise<Executed> {
  const container = loadContainer(options.root, options.id);
  checkStatus(container, options);
  const { config } = container.state;
  const process = withCapabilities(withLabels(options.process, config), config);
  const spec: Spec = { ...recordedSpec(container.state), process };
  checkTerminal(spec, options);
  checkLabels(process);
  const keepFds = checkPreservedFds(options);
  const late = await loadLate(container, spec, options);
  const [ours, theirs] = socketPair();
  using socket = ours;
  passCredentials(socket);
  const execution = new Execution(options, late);
  const cgroup = recordedCgroup(container.state), killsBefore = oomKills(cgroup);
  try {
    options.debug?.("container and process checked");
    const program = start(container, { spec, keepFds, options, theirs, execution, late });
    options.debug?.(`process started, its program has ${program.instructions.length} instructions`);
    meanwhile();
    converse(socket, program, execution.answers(container, spec));
    awaitExecution(socket, program);
    options.debug?.("process executes its program");
    return execution.finish();
  } catch (error) {
    execution.undo();
    // whoever was killed: it may have been this process
    if (oomKills(cgroup) > killsBefore) {
      throw new RunoError("executing the process", { cause: error, hint: "possibly OOM-killed" });
    }
    // all that goes wrong in a container that dies meanwhile has this one reason
    const known = error instanceof RunoError && error.kind === "state";
    throw known || isInitAlive(container.state) ? error : stopped(error);
  }
}

function checkStatus(container: Container, { ignorePaused }: ExecOptions): void {
  const status = containerStatus(container);
  const refuse = (phrase: string) => {
    throw new RunoError(phrase, { kind: "state" });
  };
  if (status === "stopped") refuse("cannot exec in a stopped container");
  if (status === "creating") refuse("cannot exec in a container that is being created");
  if (status === "paused" && !ignorePaused) {
    refuse("cannot exec in a paused container (use --ignore-paused to override)");
  }
}

interface Start {
  readonly spec: Spec;
  readonly keepFds: number;
  readonly options: ExecOptions;
  readonly theirs: Fd;
  readonly execution: Execution;
  readonly late: Late;
}

/** What few containers need, loaded before the process is started: it waits for every answer. */
interface Late {
  readonly seccomp: SeccompFilter | undefined;
  readonly agent: typeof import("./seccomp_agent.ts") | undefined;
  readonly units: typeof import("./units.ts") | undefined;
  readonly rdt: typeof import("../rdt/group.ts") | undefined;
}

async function loadLate({ state }: Container, { linux = {} }: Spec, { debug }: ExecOptions): Promise<Late> {
  return {
    seccomp: await compiledSeccomp(linux.seccomp, debug),
    agent: linux.seccomp?.listenerPath === undefined ? undefined : await import("./seccomp_agent.ts"),
    units: recordedDriver(state) === "systemd" ? await import("./units.ts") : undefined,
    rdt: recordedRdt(state) === undefined ? undefined : await import("../rdt/group.ts"),
  };
}

function start(container: Container, { spec, keepFds, options, theirs, execution, late }: Start): Program {
  using _theirs = theirs;
  using pidfd = openInit(container);
  using socket = duplicate(theirs.number, 3 + keepFds, true);
  using init = duplicate(pidfd.number, 3 + keepFds, true);
  const namespaces = recordedNamespaces(container.state);
  using root = namespaces.includes("mount") ? undefined : inheritedRoot(container, 3 + keepFds);
  const program = planExec({
    spec,
    id: options.id,
    noNewKeyring: container.state.config.no_new_keyring === true,
    namespaces,
    root: root?.number,
    facts: { arch: Deno.build.arch, ...effectiveIds(), lastCapability: lastCapability(), nofile: openFilesLimit() },
    cgroup: cgroupDirectories(container, options, late),
    seccomp: late.seccomp,
    keepFds,
    socket: socket.number,
    init: init.number,
    extraEnv: options.listenFds > 0 ? [`LISTEN_FDS=${options.listenFds}`, "LISTEN_PID=1"] : [],
  });
  using image = sealedFile("runo-exec", program.image(socket.number));
  execution.spawned(spawn(`/proc/self/fd/${image.number}`, [options.argv0, "init"], []));
  return program;
}

/** What the process enters. */
function cgroupDirectories(container: Container, options: ExecOptions, { units }: Late): CgroupDirectories {
  const { paths } = execCgroup(container, options);
  return units === undefined ? directoriesOf(paths) : units.joiningDirectories(container.state, paths);
}

/** The cgroup of the container, the one that its init has moved to, or the one that was asked for. */
function execCgroup({ state }: Container, { subCgroups }: ExecOptions): Cgroup {
  if (subCgroups === undefined) return cgroupToJoin(state);
  const cgroup = subCgroup(recordedCgroup(state), subCgroups);
  const missing = Object.values(cgroup.paths).find((path) => !exists(path));
  // the words are runc's: it is about what the caller named
  if (missing !== undefined) throw new RunoError(`error adding pid to cgroup "${missing}": no such file or directory`);
  return cgroup;
}

function stopped(cause?: unknown): RunoError {
  return new RunoError("cannot exec in a stopped container", {
    kind: "state",
    ...cause === undefined ? {} : { cause },
  });
}

/** init by descriptor, and made sure that it is init: the number may have been given to another process. */
function openInit({ state }: Container): Fd {
  let pidfd: Fd;
  try {
    pidfd = pidfdOpen(state.init_process_pid);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") throw stopped();
    throw new RunoError(`opening a pidfd of init ${state.init_process_pid}`, { cause: error });
  }
  if (isInitAlive(state)) return pidfd;
  pidfd[Symbol.dispose]();
  throw stopped();
}

/** Without a mount namespace nothing but init's own root says what the container's is. */
function inheritedRoot({ state }: Container, lowest: number): Fd {
  using root = openPath(`/proc/${state.init_process_pid}/root/.`);
  return duplicate(root.number, lowest, true);
}

/** One exec: the host's answers, and what has been made so far. */
class Execution {
  readonly #options: ExecOptions;
  readonly #late: Late;
  readonly #children = new Set<number>();
  #pid = 0;
  #master: Fd | undefined;

  constructor(options: ExecOptions, late: Late) {
    this.#options = options;
    this.#late = late;
  }

  spawned(pid: number): void {
    this.#pid = pid;
    this.#children.add(pid);
  }

  answers(container: Container, spec: Spec): Parameters<typeof converse>[2] {
    const { process, consoleSocket } = this.#options;
    return {
      asker: (pid) => this.#asked(pid),
      debug: this.#options.debug,
      cgroup: ({ pid }) =>
        this.#late.units?.attachToUnit(container.state, pid, execCgroup(container, this.#options).paths),
      console: (ask) => {
        this.#master = sendTerminal(keepFd(ask), consoleSocket);
        if (this.#master !== undefined) takeCallersSize(this.#master);
      },
      home: ({ fd }) => homeVariable(fd!, process.user?.uid ?? 0),
      rlimits: ({ pid }) => setRlimits(pid, process.rlimits ?? []),
      seccomp: (ask) =>
        this.#late.agent?.handToAgent(spec.linux?.seccomp, ask, containerHookState(container, "running")),
      ready: ({ pid }) => this.#late.rdt?.joinGroupIfThere(recordedRdt(container.state)!, pid),
    };
  }

  /** Who asks: when it is another process than the one spawned, then its child, and that has ended or is about to. */
  #asked(pid: number): void {
    if (pid === this.#pid) return;
    reap(this.#pid);
    this.#children.delete(this.#pid);
    this.spawned(pid);
  }

  /** Only now there is a pid to tell: a pid file means that the command is being executed. */
  finish(): Executed {
    const { pidFile, pidfdSocket } = this.#options;
    if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, this.#pid);
    if (pidFile !== undefined) writePidFile(pidFile, this.#pid);
    return { pid: this.#pid, master: this.#master };
  }

  undo(): void {
    for (const pid of this.#children) {
      tryCall("kill", pid, SIGKILL);
      reap(pid);
    }
    this.#master?.[Symbol.dispose]();
  }
}
