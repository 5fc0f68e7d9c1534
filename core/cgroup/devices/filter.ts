/**
 * The device filter of cgroup v2: a program of the kernel's BPF machine that answers 1 (allow) or 0 (deny) to each
 * access. Kernel: uapi/linux/bpf.h (struct bpf_cgroup_dev_ctx), bpf/standardization/instruction-set.rst
 */

import type { DeviceRule } from "../../spec/types.ts";
import { type DeviceList, deviceList, sorted } from "./rules.ts";

/** One instruction of struct bpf_insn, and how it reads. */
export interface BpfInstruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly imm: number;
  readonly text: string;
}

// registers: the context, and what is taken from it
const RESULT = 0, CONTEXT = 1, TYPE = 2, ACCESS = 3, MAJOR = 4, MINOR = 5;
/** The context is not needed any more once its fields are in registers. */
const SCRATCH = CONTEXT;

const DEVICE_TYPE: Readonly<Record<string, number>> = { b: 1, c: 2 };
const ACCESS_BIT: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

/** The program that allows what the rules allow. @throws {RunoError} `invalid`, as `deviceList()` */
export function deviceFilter(rules: readonly DeviceRule[]): BpfInstruction[] {
  const list = deviceList(rules);
  const blocks = sorted(list.exceptions).flatMap(([key, access]) => block(list, key, access));
  return [...fields(), ...blocks, ...answer(list.allowed)];
}

/** access_type is the kind of the device in its lower half and the kind of the access in its upper. */
function fields(): BpfInstruction[] {
  return [
    load(TYPE, 0),
    and(TYPE, 0xffff),
    load(ACCESS, 0),
    shiftRight(ACCESS, 16),
    load(MAJOR, 4),
    load(MINOR, 8),
  ];
}

/** Answers if the exception is about this access; what is not goes on behind the block. */
function block({ allowed }: DeviceList, key: string, access: string): BpfInstruction[] {
  const [type = "", numbers = ""] = key.split(" ");
  const [major = "", minor = ""] = numbers.split(":");
  const bits = [...access].reduce((all, letter) => all | ACCESS_BIT[letter]!, 0);
  const conditions: ((length: number) => BpfInstruction)[] = [(skip) => jumpIfNot(TYPE, DEVICE_TYPE[type]!, skip)];
  if (major !== "*") conditions.push((skip) => jumpIfNot(MAJOR, Number(major), skip));
  if (minor !== "*") conditions.push((skip) => jumpIfNot(MINOR, Number(minor), skip));
  const checked = bits === ALL_ACCESS ? [] : accessCheck(bits, allowed);
  const end = answer(!allowed);
  const length = conditions.length + checked.length + end.length;
  return [...conditions.map((condition, i) => condition(length - i - 1)), ...checked, ...end];
}

/** To be allowed, all that is wanted must be in the exception; to be denied, any of it. */
function accessCheck(bits: number, denies: boolean): BpfInstruction[] {
  const skip = 2;
  return [
    move(SCRATCH, ACCESS),
    and(SCRATCH, bits),
    denies ? jumpIf(SCRATCH, 0, skip) : jumpIfDifferent(SCRATCH, ACCESS, skip),
  ];
}

function answer(allow: boolean): BpfInstruction[] {
  const value = allow ? 1 : 0;
  return [
    instruction({ code: 0xb4, dst: RESULT, imm: value, text: `w0 = ${value}` }),
    instruction({ code: 0x95, text: "exit" }),
  ];
}

function load(dst: number, offset: number): BpfInstruction {
  return instruction({ code: 0x61, dst, src: CONTEXT, offset, text: `r${dst} = *(u32 *)(r${CONTEXT} + ${offset})` });
}

function and(dst: number, imm: number): BpfInstruction {
  return instruction({ code: 0x54, dst, imm, text: `w${dst} &= ${imm}` });
}

function shiftRight(dst: number, imm: number): BpfInstruction {
  return instruction({ code: 0x74, dst, imm, text: `w${dst} >>= ${imm}` });
}

function move(dst: number, src: number): BpfInstruction {
  return instruction({ code: 0xbc, dst, src, text: `w${dst} = w${src}` });
}

function jumpIf(dst: number, imm: number, offset: number): BpfInstruction {
  return instruction({ code: 0x15, dst, imm, offset, text: `if r${dst} == ${imm} goto +${offset}` });
}

function jumpIfNot(dst: number, imm: number, offset: number): BpfInstruction {
  return instruction({ code: 0x55, dst, imm, offset, text: `if r${dst} != ${imm} goto +${offset}` });
}

function jumpIfDifferent(dst: number, src: number, offset: number): BpfInstruction {
  return instruction({ code: 0x5d, dst, src, offset, text: `if r${dst} != r${src} goto +${offset}` });
}

function instruction(parts: Partial<BpfInstruction> & { code: number; text: string }): BpfInstruction {
  return { dst: 0, src: 0, offset: 0, imm: 0, ...parts };
}
