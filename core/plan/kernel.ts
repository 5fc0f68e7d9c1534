/** What of the kernel's state belongs to init or its namespaces: names, sysctls, keyring, limits, scheduling. */

import * as abi from "../../ffi/abi.ts";
import { SCHED_ATTR } from "../../ffi/structs.ts";
import { Data, type Reg } from "../program/assembly.ts";
import { words } from "../program/blocks.ts";
import type { Program } from "../program/program.ts";
import type { MemoryPolicy, Process, Scheduler, Spec } from "../spec/types.ts";
import { ASK } from "./asks.ts";
import { type CreateInputs, hasNamespace, type HostFacts } from "./inputs.ts";
import { cpuList } from "./lists.ts";

/** The possessor may do all, the user may view, read, search and link: what the kernel gives plus search. */
const KEYRING_PERMISSIONS = 0x3f1b0000;

/** A session keyring of the container's own, so that it cannot reach the caller's. */
export function sessionKeyring(p: Program, { id, noNewKeyring }: Pick<CreateInputs, "id" | "noNewKeyring">): void {
  if (noNewKeyring) return;
  p.step(`joining session keyring "_ses.${id}"`, {
    hints: { EDQUOT: "the user has too many keys (sysctl kernel.keys.maxkeys), or use --no-new-keyring" },
  });
  const done = p.label("without keyrings");
  const keyring = p.register("keyring");
  p.emitInto(keyring, "keyctl", [abi.KEYCTL_JOIN_SESSION_KEYRING, `_ses.${id}`, 0, 0, 0], { on: "ENOSYS", to: done });
  p.emit("keyctl", [abi.KEYCTL_SETPERM, keyring, KEYRING_PERMISSIONS, 0, 0], { ignore: "any" });
  p.place(done);
  p.free(keyring);
}

/** Brings up the loopback device of a new network namespace. */
export function loopback(p: Program): void {
  p.step('bringing up network device "lo"');
  const socket = p.register("netlink");
  p.emitInto(socket, "socket", [abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_CLOEXEC, 0]);
  // struct ifreq: 16 bytes of name, then the flags
  const request = new Uint8Array(40);
  request.set(new TextEncoder().encode("lo"));
  request[16] = abi.IFF_UP | abi.IFF_LOOPBACK | abi.IFF_RUNNING;
  p.emit("ioctl", [socket, abi.SIOCSIFFLAGS, new Data(request, { text: "lo up" })]);
  p.close(socket);
}

/** Gives the host a socket of the new network namespace, to move its devices with. */
export function networkDevices(p: Program): void {
  p.step("asking the host for the network devices", { pointer: "/linux/netDevices" });
  const socket = p.register("route");
  p.emitInto(socket, "socket", [abi.AF_NETLINK, abi.SOCK_RAW | abi.SOCK_CLOEXEC, 0]);
  p.askWithFd(ASK.netDevices, "netDevices", socket);
  p.close(socket);
}

/** Host name and domain name of the uts namespace. */
export function hostName(p: Program, spec: Spec): void {
  const set = (call: "sethostname" | "setdomainname", name: string | undefined, pointer: string) => {
    if (name === undefined || name === "") return;
    p.step(`setting the ${call.slice(3)} "${name}"`, { pointer, hints: { EINVAL: "it is longer than 64 bytes" } });
    p.emit(call, [name, new TextEncoder().encode(name).length]);
  };
  set("sethostname", spec.hostname, "/hostname");
  set("setdomainname", spec.domainname, "/domainname");
}

/** linux.sysctl, written through the private procfs. */
export function kernelParameters(p: Program, proc: Reg, spec: Spec): void {
  for (const [key, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    p.step(`setting sysctl "${key}" to "${value}"`, {
      pointer: `/linux/sysctl/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
      hints: { ENOENT: "this kernel does not know it", EINVAL: "the kernel does not take the value" },
    });
    p.writeFile(proc, `sys/${sysctlPath(key)}`, value);
  }
}

/** The path of a sysctl: its first separator says whether "." or "/" separates. */
function sysctlPath(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  if (first !== ".") return key;
  return key.replaceAll(/[./]/g, (separator) => separator === "." ? "/" : ".");
}

/** rlimits, and the soft limit of open files as the caller had it before Deno raised it. */
export function resourceLimits(
  p: Program,
  inputs: { readonly spec: Spec; readonly facts: Pick<HostFacts, "nofile"> },
): void {
  const rlimits = inputs.spec.process?.rlimits ?? [];
  const { nofile } = inputs.facts;
  if (nofile !== undefined && !rlimits.some(({ type }) => type === "RLIMIT_NOFILE")) {
    p.step("restoring the caller's limit of open files");
    p.prlimit(abi.RLIMITS.RLIMIT_NOFILE!, nofile.soft, nofile.hard);
  }
  if (rlimits.length > 0 && hasNamespace(inputs.spec, "user")) {
    // raising a hard limit needs CAP_SYS_RESOURCE in the first user namespace
    p.step("asking the host for the rlimits", { pointer: "/process/rlimits" });
    p.ask(ASK.rlimits, "rlimits");
    return;
  }
  for (const [i, { type, soft, hard }] of rlimits.entries()) {
    p.step(`setting rlimit ${type} to ${soft}:${hard}`, {
      pointer: `/process/rlimits/${i}`,
      hints: {
        EPERM:
          "raising a hard limit needs CAP_SYS_RESOURCE on the host: lower it in config.json, or raise the caller's",
        EINVAL: "the soft limit is above the hard limit",
      },
    });
    p.prlimit(abi.RLIMITS[type]!, BigInt(soft), BigInt(hard));
  }
}

/** scheduler, ioPriority, memoryPolicy and personality. */
export function scheduling(p: Program, spec: Spec): void {
  const { scheduler, ioPriority } = spec.process ?? {};
  if (scheduler !== undefined) setScheduler(p, scheduler, (spec.linux?.resources?.cpu?.cpus ?? "") !== "");
  if (ioPriority !== undefined) setIoPriority(p, ioPriority);
  if (spec.linux?.memoryPolicy !== undefined) setMemoryPolicy(p, spec.linux.memoryPolicy);
  if (spec.linux?.personality !== undefined) {
    const { domain } = spec.linux.personality;
    p.step(`setting the personality ${domain}`, { pointer: "/linux/personality" });
    p.emit("personality", [domain === "LINUX32" ? 8 : 0]);
  }
}

const POLICIES = ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"];
const SCHEDULER_FLAGS = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
];

function setScheduler(p: Program, scheduler: Scheduler, cpuset: boolean): void {
  const { policy, nice, priority, flags, runtime, deadline, period } = scheduler;
  p.step(`setting the scheduler ${policy}`, {
    pointer: "/process/scheduler",
    // AllowedCPUs is systemd's word, and runc's, for linux.resources.cpu.cpus
    ...cpuset ? { sentences: { EPERM: "process scheduler can't be used together with AllowedCPUs" } } : {},
    hints: {
      EPERM:
        "the policy needs CAP_SYS_NICE, on cgroup v1 real-time policies need linux.resources.cpu.realtimeRuntime, and SCHED_DEADLINE wants no cpuset that leaves CPUs out",
      EINVAL: "the values do not fit the policy",
      EBUSY: "the CPUs' bandwidth is taken, or a cpuset is in the way",
    },
  });
  const attr = new Data(SCHED_ATTR.pack({
    size: SCHED_ATTR.size,
    policy: POLICIES.indexOf(policy),
    flags: (flags ?? []).reduce((all, flag) => all | 1 << SCHEDULER_FLAGS.indexOf(flag), 0),
    nice: nice ?? 0,
    priority: priority ?? 0,
    runtime: runtime ?? 0,
    deadline: deadline ?? 0,
    period: period ?? 0,
  }));
  p.emit("sched_setattr", [0, attr, 0]);
}

const IO_CLASSES = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const IOPRIO_CLASS_SHIFT = 13;

function setIoPriority(p: Program, ioPriority: NonNullable<Process["ioPriority"]>): void {
  p.step(`setting the io priority ${ioPriority.class} ${ioPriority.priority}`, {
    pointer: "/process/ioPriority",
    hints: { EPERM: "IOPRIO_CLASS_RT needs CAP_SYS_NICE" },
  });
  const value = IO_CLASSES[ioPriority.class] << IOPRIO_CLASS_SHIFT | ioPriority.priority;
  p.emit("ioprio_set", [abi.IOPRIO_WHO_PROCESS, 0, value]);
}

const MEMORY_MODES = [
  "MPOL_DEFAULT",
  "MPOL_PREFERRED",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_LOCAL",
  "MPOL_PREFERRED_MANY",
  "MPOL_WEIGHTED_INTERLEAVE",
];
const MEMORY_FLAGS = { MPOL_F_STATIC_NODES: 1 << 15, MPOL_F_RELATIVE_NODES: 1 << 14, MPOL_F_NUMA_BALANCING: 1 << 13 };
/** As many nodes as a kernel has at most; a mask for more is made when more are asked for, which the kernel refuses. */
const MAX_NODES = 1024;

function setMemoryPolicy(p: Program, { mode, nodes, flags }: MemoryPolicy): void {
  p.step(`setting the memory policy ${mode} ${nodes ?? ""}`.trimEnd(), {
    pointer: "/linux/memoryPolicy",
    hints: { EINVAL: "the nodes do not exist, or the mode does not take them" },
  });
  const bits = (flags ?? []).reduce((all, flag) => all | MEMORY_FLAGS[flag], MEMORY_MODES.indexOf(mode));
  const list = cpuList(nodes ?? "");
  if (list.length === 0) {
    p.emit("set_mempolicy", [bits, 0, 0]);
    return;
  }
  const count = Math.max(MAX_NODES, ...list.map((node) => node + 1));
  const mask = new Uint32Array(Math.ceil(count / 64) * 2);
  for (const node of list) mask[node >> 5]! |= 1 << (node & 31);
  p.emit("set_mempolicy", [bits, words([...mask], `nodes ${nodes}`), mask.length * 32 + 1]);
}
