/** Rules of `process.scheduler`, `process.ioPriority` and `process.execCPUAffinity`. */

import { at, type Findings } from "../problem.ts";
import type { ExecCPUAffinity, IOPriority, Scheduler, SchedulerFlag, SchedulerPolicy } from "../types.ts";
import { parseIdList, quote } from "./text.ts";

const POLICIES: readonly SchedulerPolicy[] = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
];

const FLAGS: readonly SchedulerFlag[] = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
];

/** sched_setattr(2); where runc refuses as well, the words are its own. */
export function checkScheduler(scheduler: Scheduler, pointer: string, found: Findings): void {
  const { policy, nice = 0, priority = 0, flags = [] } = scheduler;
  if (!POLICIES.includes(policy)) {
    return found.error(at(pointer, "policy"), `invalid scheduler policy: ${quote(policy)}`);
  }
  flags.forEach((flag, index) => {
    if (!FLAGS.includes(flag)) found.error(at(pointer, "flags", index), `invalid scheduler flag: ${quote(flag)}`);
  });
  if (["SCHED_OTHER", "SCHED_BATCH"].includes(policy) && (nice < -20 || nice > 19)) {
    found.error(at(pointer, "nice"), `invalid scheduler.nice: ${nice} when scheduler.policy is ${policy}`);
  }
  checkRealTime(policy, priority, at(pointer, "priority"), found);
  checkDeadline(scheduler, pointer, found);
}

function checkRealTime(policy: SchedulerPolicy, priority: number, pointer: string, found: Findings): void {
  if (policy === "SCHED_FIFO" || policy === "SCHED_RR") {
    // sched(7); the kernel says EINVAL to all others, 0 included
    if (priority < 1 || priority > 99) found.error(pointer, `must be from 1 to 99 when scheduler.policy is ${policy}`);
  } else if (priority !== 0) {
    found.error(pointer, "scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR policy");
  }
}

function checkDeadline(scheduler: Scheduler, pointer: string, found: Findings): void {
  const { policy, runtime = 0, deadline = 0, period = 0 } = scheduler;
  if (policy !== "SCHED_DEADLINE") {
    if (runtime !== 0 || deadline !== 0 || period !== 0) {
      found.error(pointer, "scheduler runtime/deadline/period can only be specified for SCHED_DEADLINE policy");
    }
  } else if (runtime < 1024 || runtime > deadline || (period !== 0 && deadline > period)) {
    // sched(7): a period of 0 stands for the deadline
    found.error(pointer, "SCHED_DEADLINE needs 1024 <= runtime <= deadline <= period");
  }
}

/** ioprio_set(2). */
export function checkIOPriority(ioPriority: IOPriority, pointer: string, found: Findings): void {
  const { class: name, priority } = ioPriority;
  if (!["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"].includes(name)) {
    found.error(at(pointer, "class"), `invalid ioPriority.Class: ${quote(name)}`);
  }
  if (priority < 0 || priority > 7) {
    found.error(at(pointer, "priority"), `invalid ioPriority.Priority: ${priority}`);
  }
}

/** Both lists of CPUs. */
export function checkAffinity(affinity: ExecCPUAffinity, pointer: string, found: Findings): void {
  for (const when of ["initial", "final"] as const) {
    const cpus = affinity[when];
    if (cpus && !parseIdList(cpus)?.length) {
      found.error(at(pointer, when), `${quote(cpus)} is not a list of CPUs such as "0-3,7"`);
    }
  }
}
