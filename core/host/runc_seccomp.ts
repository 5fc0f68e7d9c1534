/** A seccomp profile as runc writes it into state.json (libcontainer's `configs.Seccomp`). Observed from runc 1.1.5. */

import { RunoError } from "../error.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArch,
  SeccompArg,
  SeccompFlag,
  SeccompOperator,
  SeccompSyscall,
} from "../spec/types.ts";
import { type RawNumber, uint64 } from "./runc_json.ts";

/** libcontainer's `configs.Seccomp`; actions and operators are its own numbers. */
export interface RuncSeccomp {
  readonly default_action: number;
  readonly architectures: readonly string[] | null;
  readonly flags?: readonly string[];
  readonly syscalls: readonly RuncSyscall[];
  readonly default_errno_ret: number | null;
  readonly listener_path?: string;
  readonly listener_metadata?: string;
}

/** The rule of one system call; a rule of config.json with several names becomes several of these. */
export interface RuncSyscall {
  readonly name: string;
  readonly action: number;
  readonly errnoRet: number | null;
  readonly args: readonly RuncSeccompArg[];
}

export interface RuncSeccompArg {
  readonly index: number;
  readonly value: number | RawNumber;
  readonly value_two: number | RawNumber;
  readonly op: number;
}

const ACTIONS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 1,
  SCMP_ACT_ERRNO: 2,
  SCMP_ACT_TRAP: 3,
  SCMP_ACT_ALLOW: 4,
  SCMP_ACT_TRACE: 5,
  SCMP_ACT_LOG: 6,
  SCMP_ACT_NOTIFY: 7,
  SCMP_ACT_KILL_THREAD: 8,
  SCMP_ACT_KILL_PROCESS: 9,
};

const OPERATORS: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_EQ: 1,
  SCMP_CMP_NE: 2,
  SCMP_CMP_GT: 3,
  SCMP_CMP_GE: 4,
  SCMP_CMP_LT: 5,
  SCMP_CMP_LE: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

// libseccomp's names; all others are the OCI name in lower case
const ARCHITECTURES: Readonly<Record<string, string>> = { SCMP_ARCH_X86_64: "amd64", SCMP_ARCH_AARCH64: "arm64" };

/** The profile of config.json in runc's form. */
export function runcSeccomp(seccomp: Seccomp): RuncSeccomp {
  return {
    default_action: ACTIONS[seccomp.defaultAction],
    architectures: seccomp.architectures?.map(architecture) ?? null,
    ...(seccomp.flags === undefined ? {} : { flags: seccomp.flags }),
    syscalls: (seccomp.syscalls ?? []).flatMap(rules),
    default_errno_ret: seccomp.defaultErrnoRet ?? null,
    ...(seccomp.listenerPath === undefined ? {} : { listener_path: seccomp.listenerPath }),
    ...(seccomp.listenerMetadata === undefined ? {} : { listener_metadata: seccomp.listenerMetadata }),
  };
}

function architecture(name: string): string {
  return ARCHITECTURES[name] ?? name.replace(/^SCMP_ARCH_/, "").toLowerCase();
}

function rules({ names, action, errnoRet, args }: SeccompSyscall): RuncSyscall[] {
  return names.map((name) => ({
    name,
    action: ACTIONS[action],
    errnoRet: errnoRet ?? null,
    args: (args ?? []).map(argument),
  }));
}

function argument({ index, value, valueTwo, op }: SeccompArg): RuncSeccompArg {
  return { index, value: uint64(value), value_two: uint64(valueTwo ?? 0), op: OPERATORS[op] };
}

/** The same as config.json would have it, for processes that join a container of runc's making. */
export function recordedSeccomp(seccomp: RuncSeccomp): Seccomp {
  const { architectures, flags, default_errno_ret, listener_path, listener_metadata } = seccomp;
  return {
    defaultAction: named(ACTIONS, seccomp.default_action),
    ...default_errno_ret === null ? {} : { defaultErrnoRet: default_errno_ret },
    ...architectures === null ? {} : { architectures: architectures.map(recordedArchitecture) },
    ...flags === undefined ? {} : { flags: flags as readonly SeccompFlag[] },
    ...listener_path === undefined ? {} : { listenerPath: listener_path },
    ...listener_metadata === undefined ? {} : { listenerMetadata: listener_metadata },
    syscalls: (seccomp.syscalls ?? []).map(({ name, action, errnoRet, args }) => ({
      names: [name],
      action: named(ACTIONS, action),
      ...errnoRet === null ? {} : { errnoRet },
      args: (args ?? []).map(({ index, value, value_two, op }) => ({
        ...{ index, value: exact(value), valueTwo: exact(value_two) },
        op: named(OPERATORS, op),
      })),
    })),
  };
}

function named<T extends string>(numbers: Readonly<Record<T, number>>, number: number): T {
  const name = (Object.keys(numbers) as T[]).find((name) => numbers[name] === number);
  if (name === undefined) throw new RunoError(`reading seccomp profile of state file: unknown number ${number}`);
  return name;
}

function recordedArchitecture(name: string): SeccompArch {
  const own = Object.keys(ARCHITECTURES).find((key) => ARCHITECTURES[key] === name);
  return (own ?? `SCMP_ARCH_${name.toUpperCase()}`) as SeccompArch;
}

function exact(value: number | RawNumber): number | string {
  return typeof value === "number" ? value : value.rawJSON;
}
