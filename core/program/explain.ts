/** Programs as text and as JSON: what `runo plan` prints. */

import * as abi from "../../ffi/abi.ts";
import { CAP_DATA, CLONE_ARGS, type Layout, MOUNT_ATTR, OPEN_HOW, RLIMIT64, SCHED_ATTR } from "../../ffi/structs.ts";
import {
  type Assembly,
  Data,
  type Handling,
  type Instruction,
  Reg,
  type Step,
  type Value,
  Within,
} from "./assembly.ts";

/** One instruction, explained. */
export interface ExplainedCall {
  readonly index: number;
  readonly call: string;
  readonly args: readonly string[];
  /** The register that the result goes to. */
  readonly result?: string;
  /** What happens when it fails, if the program goes on. */
  readonly otherwise?: string;
}

/** One step, explained. */
export interface ExplainedStep {
  readonly step: string;
  /** Where config.json asks for it. */
  readonly pointer?: string;
  readonly calls: readonly ExplainedCall[];
}

/** The steps of a program. */
export function explain(program: Assembly): ExplainedStep[] {
  const steps: { step: Step; calls: ExplainedCall[] }[] = [];
  program.instructions.forEach((instruction, index) => {
    if (steps.at(-1)?.step !== instruction.step) steps.push({ step: instruction.step, calls: [] });
    steps.at(-1)!.calls.push(explainCall(instruction, index, program.arch === "x86_64" ? 0 : 1));
  });
  return steps.map(({ step, calls }) => ({
    step: step.phrase,
    ...step.pointer ? { pointer: step.pointer } : {},
    calls,
  }));
}

/** The same as lines: a line for each step, and below it one for each system call. */
export function explainText(program: Assembly): string {
  const lines = explain(program).flatMap(({ step, pointer, calls }, i) => [
    `${i + 1}. ${step}${pointer === undefined ? "" : `  [${pointer}]`}`,
    ...calls.map(callLine),
  ]);
  return `${lines.join("\n")}\n`;
}

function callLine({ index, call, args, result, otherwise }: ExplainedCall): string {
  const into = result === undefined ? "" : ` -> ${result}`;
  const or = otherwise === undefined ? "" : `  (${otherwise})`;
  return `${String(index).padStart(6)}  ${call}(${args.join(", ")})${into}${or}`;
}

function explainCall({ operation, args, handling, save }: Instruction, index: number, arch: 0 | 1): ExplainedCall {
  const otherwise = handlingText(handling, operation);
  return {
    index,
    call: operation,
    args: args.map((value, k) => valueText(value, operation, k, arch)),
    ...save === undefined ? {} : { result: registerText(save) },
    ...otherwise === undefined ? {} : { otherwise },
  };
}

function handlingText({ ignore, on, to, ifZero, failIfZero }: Handling, operation: string): string | undefined {
  if (operation === "close") return undefined;
  if (ignore !== undefined) return `${ignore === "any" ? "any error" : ignore} is fine`;
  if (on !== undefined) return `${on === "any" ? "any error" : on}: go to ${to?.at}, ${to?.name}`;
  if (ifZero !== undefined) return `0: go to ${ifZero.at}, ${ifZero.name}`;
  if (failIfZero === true) return "nothing comes back: the host is gone, end";
  if (to !== undefined) return `${operation === "jump" ? "" : "then "}go to ${to.at}, ${to.name}`;
  return undefined;
}

function registerText(reg: Reg): string {
  return /^[\w-]+$/.test(reg.name) ? `$${reg.name}` : `$"${reg.name}"`;
}

/** Which arguments are flags, and which names they have. */
const FLAG_NAMES: Readonly<Record<string, readonly [position: number, prefix: string]>> = {
  unshare: [0, "CLONE_NEW"],
  setns: [1, "CLONE_NEW"],
  umount2: [1, "MNT_"],
  open_tree: [2, "OPEN_TREE_"],
  move_mount: [4, "MOVE_MOUNT_"],
  fsmount: [2, "MOUNT_ATTR_"],
  mount_setattr: [2, "AT_"],
  statx: [3, "STATX_"],
};

/** Which arguments are permission bits. */
const OCTAL: Readonly<Record<string, number>> = { mkdirat: 2, mknodat: 2, fchmodat: 2, umask: 0 };

/** Which arguments are one of several values. */
const ENUMS: Readonly<Record<string, readonly [position: number, prefix: string]>> = {
  prctl: [0, "PR_"],
  keyctl: [0, "KEYCTL_"],
  fsconfig: [1, "FSCONFIG_"],
  ioctl: [1, "TIOC"],
};

/** What the bytes at an argument are. */
const LAYOUTS: Readonly<Record<string, readonly [position: number, layout: Layout<Record<string, "u64">>]>> = {
  openat2: [2, OPEN_HOW],
  mount_setattr: [3, MOUNT_ATTR],
  clone3: [0, CLONE_ARGS],
  prlimit64: [2, RLIMIT64],
  capset: [1, CAP_DATA as unknown as Layout<Record<string, "u64">>],
  sched_setattr: [1, SCHED_ATTR as unknown as Layout<Record<string, "u64">>],
};

/** Names of the flags in a field of a structure. */
const FIELD_PREFIX: Readonly<Record<string, string>> = {
  "openat2.flags": "O_",
  "openat2.resolve": "RESOLVE_",
  "mount_setattr.attr_set": "MOUNT_ATTR_",
  "mount_setattr.attr_clr": "MOUNT_ATTR_",
  "mount_setattr.propagation": "MS_",
  "clone3.flags": "CLONE_",
};

function valueText(value: Value, operation: string, position: number, arch: 0 | 1): string {
  if (value instanceof Reg) return registerText(value);
  if (value instanceof Within) return `${value.data.text ?? "data"}+${value.offset}`;
  if (value instanceof Data) return dataText(value, operation, position, arch);
  if (typeof value === "string") return JSON.stringify(value);
  if (value === abi.AT_FDCWD) return "AT_FDCWD";
  if (OCTAL[operation] === position) return `0${value.toString(8)}`;
  if (operation === "prlimit64" && position === 1) return nameOf(abi.RLIMITS, Number(value)) ?? String(value);
  if (operation === "prctl" && position === 1 && Number(value) > 0) return String(value);
  const flags = FLAG_NAMES[operation];
  if (flags?.[0] === position) return flagText(BigInt(value), flags[1], arch);
  const choice = ENUMS[operation];
  if (choice?.[0] === position) return constantName(choice[1], Number(value)) ?? `0x${value.toString(16)}`;
  return String(value);
}

function dataText(data: Data, operation: string, position: number, arch: 0 | 1): string {
  const layout = LAYOUTS[operation];
  if (layout?.[0] !== position) return data.text ?? `${data.bytes.length} bytes`;
  const fields = Object.entries(layout[1].read(data.bytes)).filter(([, value]) => BigInt(value) !== 0n);
  return `{${
    fields.map(([name, value]) => `${name}: ${fieldText(`${operation}.${name}`, BigInt(value), arch)}`).join(", ")
  }}`;
}

function fieldText(field: string, value: bigint, arch: 0 | 1): string {
  const prefix = FIELD_PREFIX[field];
  if (prefix !== undefined) return flagText(value, prefix, arch);
  return field === "openat2.mode"
    ? `0${value.toString(8)}`
    : value === 0xffffffffffffffffn
    ? "unlimited"
    : String(value);
}

const CONSTANTS: readonly (readonly [string, number])[] = Object.entries(abi)
  .filter((entry): entry is [string, number] => typeof entry[1] === "number");

function constantName(prefix: string, value: number): string | undefined {
  return CONSTANTS.find(([name, constant]) => name.startsWith(prefix) && constant === value)?.[0];
}

function nameOf(table: Readonly<Record<string, number>>, value: number): string | undefined {
  return Object.keys(table).find((name) => table[name] === value);
}

/** "A|B" of the set bits that have names, the rest in hexadecimal. */
function flagText(value: bigint, prefix: string, arch: 0 | 1): string {
  if (value === 0n) return "0";
  const names: string[] = [];
  let rest = value;
  const openFlags = prefix === "O_"
    ? [["O_DIRECTORY", abi.O_DIRECTORY_BY_ARCH[arch]], ["O_NOFOLLOW", abi.O_NOFOLLOW_BY_ARCH[arch]]] as const
    : [];
  const treeFlags = prefix === "OPEN_TREE_"
    ? [["AT_EMPTY_PATH", abi.AT_EMPTY_PATH], ["AT_RECURSIVE", abi.AT_RECURSIVE]] as const
    : [];
  const named = CONSTANTS.filter(([name]) => name.startsWith(prefix));
  for (const [name, constant] of [...openFlags, ...treeFlags, ...named]) {
    const bit = BigInt(constant);
    if (bit <= 0n || (rest & bit) !== bit) continue;
    names.push(name);
    rest &= ~bit;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names.join("|");
}
