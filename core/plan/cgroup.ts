/**
 * Entering the cgroup. init enters by itself: a process that moves another one waits for the whole machine (the kernel's
 * cgroup_threadgroup_rwsem and a grace period of RCU, 12 ms), one that moves its only thread does not. So on v1 init writes
 * "0" to `tasks`, and on v2 it is cloned into the cgroup (CLONE_INTO_CGROUP).
 */

import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import { ASK } from "./asks.ts";

/** Directories of the container's cgroup on the host. */
export interface CgroupDirectories {
  /** One for each hierarchy of v1. */
  readonly v1: readonly string[];
  readonly v2: string | undefined;
  /**
   * Which process asks the host to be put there, when it may not go by itself: the one that was started, with the ids of
   * the caller, or the one that becomes init, with nobody beside it that a limit of processes would count.
   */
  readonly asking?: "parent" | "init";
}

/** The cgroup's files, opened with the rights of the host's user: they count when the files are written. */
export interface OpenCgroup {
  readonly tasks: readonly (readonly [directory: string, fd: Reg])[];
  /** The directory of v2, for clone3, or its cgroup.procs, for a process that is not cloned. */
  readonly v2: readonly [directory: string, fd: Reg] | undefined;
  /** Whether the process that enters asks the host to be put there. */
  readonly asks?: boolean;
}

/** What errors of entering a cgroup, or of cloning into one, mean. */
export const CGROUP_HINTS = {
  ENOENT: "the cgroup has been removed in the meantime",
  EACCES: "the caller may not move processes there: is the cgroup delegated?",
  EPERM: "the caller may not move processes there: is the cgroup delegated?",
  EBUSY: 'a cgroup of v2 with controllers for its children takes no processes ("no internal processes", cgroups(7))',
  EOPNOTSUPP: "the cgroup of v2 is threaded or its domain invalid",
  EAGAIN: "the pids limit of the cgroup is reached",
} as const;

/** How the process goes on after it has opened the cgroup. */
export interface CgroupEntry {
  /** It is cloned, which can put the clone into a cgroup of v2. */
  readonly clones: boolean;
  /**
   * It must be in the cgroup of v2 before, by a clone of its own: root of another user namespace has no rights over the
   * cgroup.
   */
  readonly early: boolean;
  /**
   * Others are in the pid namespace that it goes to: none of them may find a file of the host in its hands. Where nobody
   * is, the cgroup waits until the one that made the clone is not counted any more: a limit of one process is enough.
   */
  readonly seen: boolean;
}

/** Opens what is needed to enter the cgroup later. */
export function openCgroup(p: Program, cgroup: CgroupDirectories, { clones, early, seen }: CgroupEntry): OpenCgroup {
  const { v2, asking } = cgroup;
  if (asking === "parent") askForCgroup(p);
  const opened = cgroup.v1.map((directory) => open(p, directory, "tasks"));
  const tasks = seen ? [] : opened;
  if (v2 === undefined) {
    if (seen) writeAll(p, opened);
    return { tasks, v2: undefined, asks: asking === "init" };
  }
  if (!early && !seen) return { tasks, v2: open(p, v2, clones ? "" : "cgroup.procs") };
  const [, directory] = open(p, v2, "");
  p.step(`cloning a process into cgroup "${v2}"`, { hints: CGROUP_HINTS });
  p.cloneAndContinue(0, directory);
  p.close(directory);
  p.tell("a clone");
  if (seen) writeAll(p, opened);
  return { tasks, v2: undefined };
}

function open(p: Program, directory: string, file: string): readonly [directory: string, fd: Reg] {
  p.step(`opening cgroup "${directory}"`, { hints: CGROUP_HINTS });
  const fd = file === ""
    ? p.openat2(abi.AT_FDCWD, directory, { directory: true, resolve: "host" })
    : p.openat2(abi.AT_FDCWD, `${directory}/${file}`, { write: true, resolve: "host" });
  return [directory, fd];
}

function askForCgroup(p: Program): void {
  p.step("asking the host for the cgroup");
  p.ask(ASK.cgroup, "cgroup");
}

/** Enters the cgroup, as far as the clone has not. */
export function enterCgroup(p: Program, { tasks, v2, asks = false }: OpenCgroup, cloned: boolean): void {
  writeAll(p, [...tasks, ...v2 === undefined || cloned ? [] : [v2]]);
  if (v2 !== undefined && cloned) p.close(v2[1]);
  if (asks) askForCgroup(p);
}

function writeAll(p: Program, files: readonly (readonly [directory: string, fd: Reg])[]): void {
  for (const [directory, fd] of files) {
    p.step(`entering cgroup "${directory}"`, { hints: CGROUP_HINTS });
    p.write(fd, "0");
    p.close(fd);
  }
}
