import { type Changes, errors } from "../config.ts";

const sched = (scheduler: unknown): Changes => ({ "process.scheduler": scheduler });
errors("checks the scheduler", [
  [sched({ policy: "SCHED_BATCH", nice: 19, flags: ["SCHED_FLAG_RESET_ON_FORK"] })],
  [sched({ policy: "SCHED_FIFO", priority: 99 })],
  [sched({ policy: "SCHED_DEADLINE", runtime: 1024, deadline: 2048 })],
  [sched({ policy: "SCHED_DEADLINE", runtime: 1024, deadline: 2048, period: 4096 })],
  [sched({ policy: "FIFO" }), '/process/scheduler/policy: invalid scheduler policy: "FIFO"'],
  [
    sched({ policy: "SCHED_OTHER", flags: ["FAST"] }),
    '/process/scheduler/flags/0: invalid scheduler flag: "FAST"',
  ],
  [
    sched({ policy: "SCHED_OTHER", nice: 20 }),
    "/process/scheduler/nice: invalid scheduler.nice: 20 when scheduler.policy is SCHED_OTHER",
  ],
  [
    sched({ policy: "SCHED_IDLE", priority: 5 }),
    "/process/scheduler/priority: scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR policy",
  ],
  [
    sched({ policy: "SCHED_RR" }),
    "/process/scheduler/priority: must be from 1 to 99 when scheduler.policy is SCHED_RR",
  ],
  [
    sched({ policy: "SCHED_OTHER", runtime: 1 }),
    "/process/scheduler: scheduler runtime/deadline/period can only be specified for SCHED_DEADLINE policy",
  ],
  [
    sched({ policy: "SCHED_DEADLINE", runtime: 4096, deadline: 2048 }),
    "/process/scheduler: SCHED_DEADLINE needs 1024 <= runtime <= deadline <= period",
  ],
]);

errors("checks I/O priority and CPU affinity", [
  [{ "process.ioPriority": { class: "IOPRIO_CLASS_RT", priority: 7 } }],
  [
    { "process.ioPriority": { class: "RT", priority: 8 } },
    '/process/ioPriority/class: invalid ioPriority.Class: "RT"',
    "/process/ioPriority/priority: invalid ioPriority.Priority: 8",
  ],
  [{ "process.execCPUAffinity": { initial: "0-3,7", final: " 1, ,2 " } }],
  [
    { "process.execCPUAffinity": { initial: "3-1", final: "a" } },
    '/process/execCPUAffinity/initial: "3-1" is not a list of CPUs such as "0-3,7"',
    '/process/execCPUAffinity/final: "a" is not a list of CPUs such as "0-3,7"',
  ],
]);
