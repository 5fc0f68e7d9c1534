import { type Changes, errors } from "../config.ts";

const seccomp = (more: object): Changes => ({ "linux.seccomp": { defaultAction: "SCMP_ACT_ALLOW", ...more } });
const rule = (more: object) => seccomp({ syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", ...more }] });
errors("checks seccomp", [
  [seccomp({ architectures: ["SCMP_ARCH_X32"], flags: ["SECCOMP_FILTER_FLAG_LOG"] })],
  [rule({ errnoRet: 38, args: [{ index: 5, value: "18446744073709551615", op: "SCMP_CMP_MASKED_EQ" }] })],
  [
    seccomp({ defaultAction: "DENY", architectures: ["X86"], flags: ["FAST"] }),
    '/linux/seccomp/defaultAction: string "DENY" is not a valid action for seccomp',
    '/linux/seccomp/architectures/0: string "X86" is not a valid arch for seccomp',
    '/linux/seccomp/flags/0: string "FAST" is not a valid flag for seccomp',
  ],
  [seccomp({ defaultErrnoRet: 1 }), "/linux/seccomp/defaultErrnoRet: SCMP_ACT_ALLOW does not take an errno"],
  [
    rule({ action: "SCMP_ACT_KILL", errnoRet: 1 }),
    "/linux/seccomp/syscalls/0/errnoRet: SCMP_ACT_KILL does not take an errno",
  ],
  [
    rule({ names: [], action: "KILL" }),
    "/linux/seccomp/syscalls/0/names: must contain at least one entry",
    '/linux/seccomp/syscalls/0/action: string "KILL" is not a valid action for seccomp',
  ],
  [rule({ names: [""] }), "/linux/seccomp/syscalls/0/names/0: empty string is not a valid syscall"],
  [
    rule({ args: [{ index: 6, value: 0, op: "EQ" }] }),
    "/linux/seccomp/syscalls/0/args/0/index: must be from 0 to 5",
    '/linux/seccomp/syscalls/0/args/0/op: string "EQ" is not a valid operator for seccomp',
  ],
  [
    seccomp({ defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/s" }),
    "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be used as default action",
  ],
  [
    rule({ action: "SCMP_ACT_NOTIFY" }),
    "/linux/seccomp/listenerPath: must be set when SCMP_ACT_NOTIFY is used",
  ],
  [
    seccomp({ listenerPath: "/s", syscalls: [{ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" }] }),
    "/linux/seccomp/syscalls/0/names: SCMP_ACT_NOTIFY cannot be used for the write syscall",
  ],
  [seccomp({ listenerMetadata: "m" }), "/linux/seccomp/listenerMetadata: must not be set without listenerPath"],
]);
