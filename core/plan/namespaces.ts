/** Namespaces: join those with a path, make the others, become the process that will be init. */

import { INIT_NAME } from "./init_name.ts";
import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { NamespaceType, Process, Spec } from "../spec/types.ts";
import { ASK } from "./asks.ts";
import { CGROUP_HINTS, enterCgroup, openCgroup } from "./cgroup.ts";
import { type CreateInputs, hasNamespace, isNew, namespaceOf } from "./inputs.ts";
import { openSources } from "./sources.ts";

/** The clone flag of each type. */
export const NAMESPACE_FLAG: Readonly<Record<NamespaceType, number>> = {
  user: abi.CLONE_NEWUSER,
  mount: abi.CLONE_NEWNS,
  pid: abi.CLONE_NEWPID,
  network: abi.CLONE_NEWNET,
  ipc: abi.CLONE_NEWIPC,
  uts: abi.CLONE_NEWUTS,
  cgroup: abi.CLONE_NEWCGROUP,
  time: abi.CLONE_NEWTIME,
};

/** mount last: paths change their meaning. */
const JOIN_ORDER: readonly NamespaceType[] = ["ipc", "uts", "network", "pid", "time", "mount"];

/** What was opened before the namespaces changed and is needed after. */
export interface Opened {
  readonly cgroupNamespace: Reg | undefined;
  /** Descriptors of copies of the bind mounts' sources, by the index of the mount. */
  readonly sources: ReadonlyMap<number, number>;
}

/** What a program starts with. */
export interface Beginning {
  readonly process: Process | undefined;
  /** Descriptors from 3 that it keeps. */
  readonly keepFds: number;
  /** Descriptors that it was given, to be closed when it executes another program. */
  readonly given: readonly number[];
}

/** What the process must do first, while it is still an ordinary process of the host. */
export function beginning(p: Program, { process, keepFds, given }: Beginning): void {
  p.step("becoming a clean process");
  p.prctl(abi.PR_SET_NAME, "runo:[1:HOST]");
  defaultSignals(p);
  keepOnly(p, 3 + keepFds, given);
  p.emit("umask", [0]);
  const score = process?.oomScoreAdj;
  if (score !== undefined) {
    p.step(`setting oom_score_adj to ${score}`, {
      pointer: "/process/oomScoreAdj",
      hints: { EACCES: "lowering it needs CAP_SYS_RESOURCE", EPERM: "lowering it needs CAP_SYS_RESOURCE" },
    });
    // before the process stops being dumpable, which would give the file to root
    p.writeFile(abi.AT_FDCWD, "/proc/self/oom_score_adj", String(score), { resolve: "host" });
  }
  p.step("hiding from ptrace");
  p.prctl(abi.PR_SET_DUMPABLE, 0);
}

/**
 * What is ignored stays ignored across execve: Deno ignores SIGPIPE, and posix_spawn(3) of glibc leaves the two signals
 * that it keeps for itself (SIGCANCEL, SIGSETXID) ignored.
 */
export function defaultSignals(p: Program): void {
  p.defaultAction([abi.SIGPIPE, 32, 33]);
}

/** `kill` of a created container ends it: the first process of a pid namespace gets no signal that it has no handler for. */
export function endOnSignals(p: Program): void {
  p.step("ending when a signal says so");
  p.endOn([abi.SIGHUP, abi.SIGINT, abi.SIGQUIT, abi.SIGTERM]);
}

/** Closes all descriptors from `first` on but these, which the next program does not get. */
export function keepOnly(p: Program, first: number, keep: readonly number[]): void {
  let from = first;
  for (const fd of [...new Set(keep)].sort((a, b) => a - b)) {
    if (fd > from) p.emit("close_range", [from, fd - 1, 0]);
    from = fd + 1;
    p.emit("fcntl", [fd, abi.F_SETFD, abi.FD_CLOEXEC]);
  }
  p.emit("close_range", [from, 0xffffffff, 0]);
}

/** Joins and makes the namespaces; what runs after it is init. */
export function namespaces(p: Program, inputs: CreateInputs): Opened {
  const { spec } = inputs;
  const opened = openNamespaces(p, inputs);
  const cloned = hasNamespace(spec, "pid") || hasNamespace(spec, "time");
  const leavesUser = hasNamespace(spec, "user");
  const cgroup = openCgroup(p, inputs.cgroup, { clones: cloned, early: leavesUser, seen: opened.has("pid") });
  const sources = leavesUser ? openSources(p, inputs) : new Map();
  if (opened.has("user")) joinWithUser(p, inputs, opened);
  else for (const type of JOIN_ORDER) join(p, type, inputs, opened);
  if (isNew(spec, "user")) newUserNamespace(p);
  if (isNew(spec, "time")) newTimeNamespace(p, inputs);
  newNamespaces(p, inputs, cgroup.v2?.[1]);
  enterCgroup(p, cgroup, cloned);
  p.step("becoming a session leader");
  p.prctl(abi.PR_SET_NAME, INIT_NAME);
  p.emit("setsid", [], { ignore: "EPERM" });
  if (leavesUser) showToCaller(p, inputs);
  return { cgroupNamespace: opened.get("cgroup"), sources };
}

function openNamespaces(p: Program, { spec }: CreateInputs): Map<NamespaceType, Reg> {
  const opened = new Map<NamespaceType, Reg>();
  for (const [i, { type, path }] of (spec.linux?.namespaces ?? []).entries()) {
    if (path === undefined || path === "") continue;
    p.step(`opening ${type} namespace "${path}"`, {
      pointer: `/linux/namespaces/${i}/path`,
      hints: { ENOENT: "the namespace does not exist (any more)" },
    });
    opened.set(type, p.openat2(abi.AT_FDCWD, path, { read: true, resolve: "host" }));
  }
  return opened;
}

function join(p: Program, type: NamespaceType, { spec }: CreateInputs, opened: ReadonlyMap<NamespaceType, Reg>): void {
  const fd = opened.get(type);
  if (fd === undefined) return;
  joinStep(p, type, spec);
  p.setns(fd, NAMESPACE_FLAG[type]);
  p.close(fd);
}

/** First those that are the caller's to join, then the user namespace, then those that only its root may join: setns(2). */
function joinWithUser(p: Program, inputs: CreateInputs, opened: ReadonlyMap<NamespaceType, Reg>): void {
  const others = JOIN_ORDER.filter((type) => opened.has(type));
  const joined = others.map((type) => {
    const result = p.register(`joined ${type}`), refused = p.label(`later ${type}`);
    joinStep(p, type, inputs.spec);
    p.emitInto(result, "move", [REFUSED]);
    p.emitInto(result, "setns", [opened.get(type)!, NAMESPACE_FLAG[type]], { on: "EPERM", to: refused });
    p.place(refused);
    return result;
  });
  join(p, "user", inputs, opened);
  becomeRoot(p);
  for (const [i, type] of others.entries()) {
    const have = p.label(`have ${type}`);
    joinStep(p, type, inputs.spec);
    p.emit("jump_if_equal", [joined[i]!, 0], { to: have });
    p.setns(opened.get(type)!, NAMESPACE_FLAG[type]);
    p.place(have);
    p.close(opened.get(type)!);
    p.free(joined[i]!);
  }
}

/** Any result but 0. */
const REFUSED = -1;

function joinStep(p: Program, type: NamespaceType, spec: Spec): void {
  p.step(`joining ${type} namespace "${namespaceOf(spec, type)?.path}"`, {
    hints: {
      EINVAL: `is it a ${type} namespace, and not the one runo is in already?`,
      EPERM: "the caller has no rights over the namespace",
    },
  });
}

function newUserNamespace(p: Program): void {
  p.step("making a user namespace", {
    pointer: "/linux/namespaces",
    hints: {
      EPERM: "the kernel or a security module may forbid it (sysctls kernel.unprivileged_userns_clone, " +
        "kernel.apparmor_restrict_unprivileged_userns), or chroot(2) has been called",
      ENOSPC: "too many user namespaces (sysctl user.max_user_namespaces)",
      EUSERS: "user namespaces are nested too deep",
    },
  });
  p.unshare(abi.CLONE_NEWUSER);
  p.step("asking the host for the id maps");
  // /proc/PID/uid_map belongs to the process' user only while it is dumpable
  p.prctl(abi.PR_SET_DUMPABLE, 1);
  p.ask(ASK.idmap, "idmap");
  p.prctl(abi.PR_SET_DUMPABLE, 0);
  becomeRoot(p);
}

/**
 * Lets an ordinary user look at the init of its container (/proc/PID/ns and the like: hooks, `exec` into a created
 * container), unless processes of another container may be in the same namespaces. root needs no leave.
 */
export function showToCaller(p: Program, { spec, facts }: CreateInputs): void {
  const joins = spec.linux?.namespaces?.some(({ path = "" }) => path !== "") ?? false;
  if (facts.euid !== 0 && !joins) p.prctl(abi.PR_SET_DUMPABLE, 1);
}

/** Takes id 0 of the user namespace that the process is in. */
export function becomeRoot(p: Program): void {
  p.step("becoming root of the user namespace", { hints: { EINVAL: "id 0 of the container must be mapped" } });
  p.emit("setresgid", [0, 0, 0]);
  p.emit("setresuid", [0, 0, 0]);
}

function newTimeNamespace(p: Program, { spec }: CreateInputs): void {
  p.step("making a time namespace", { hints: { EINVAL: "the kernel has no time namespaces (CONFIG_TIME_NS)" } });
  p.unshare(abi.CLONE_NEWTIME);
  const lines = Object.entries(spec.linux?.timeOffsets ?? {}).map(([clock, offset]) =>
    `${clock} ${offset?.secs ?? 0} ${offset?.nanosecs ?? 0}\n`
  );
  if (lines.length === 0) return;
  p.step("setting the time offsets", { pointer: "/linux/timeOffsets", hints: { ERANGE: "an offset is out of range" } });
  p.prctl(abi.PR_SET_DUMPABLE, 1);
  p.writeFile(abi.AT_FDCWD, "/proc/self/timens_offsets", lines.join(""), { resolve: "host" });
  p.prctl(abi.PR_SET_DUMPABLE, 0);
}

/** A pid or time namespace is entered by a child only; the others can be had by the process itself. */
function newNamespaces(p: Program, { spec }: CreateInputs, cgroup: Reg | undefined): void {
  const types = (["mount", "pid", "network", "ipc", "uts"] as const).filter((type) => isNew(spec, type));
  const flags = types.reduce((all, type) => all | NAMESPACE_FLAG[type], 0);
  const names = types.length === 0 ? "no new namespaces" : `new ${types.join(", ")} namespaces`;
  const about = {
    pointer: "/linux/namespaces",
    hints: { EPERM: "making namespaces needs root or a user namespace with all capabilities" },
  };
  if (hasNamespace(spec, "pid") || hasNamespace(spec, "time")) {
    p.step(`cloning init into ${names}`, { ...about, hints: { ...CGROUP_HINTS, ...about.hints } });
    p.cloneAndContinue(flags, cgroup);
  } else if (flags !== 0) {
    p.step(`making ${names}`, about);
    p.unshare(flags);
  }
}

/** The cgroup namespace, once init is in its cgroup. */
export function cgroupNamespace(p: Program, { spec }: CreateInputs, { cgroupNamespace: fd }: Opened): void {
  if (fd !== undefined) {
    joinStep(p, "cgroup", spec);
    p.setns(fd, abi.CLONE_NEWCGROUP);
    p.close(fd);
  } else if (isNew(spec, "cgroup")) {
    p.step("making a cgroup namespace", {
      sentences: { EINVAL: "cgroup namespaces aren't enabled in the kernel" },
    });
    p.unshare(abi.CLONE_NEWCGROUP);
  }
}
