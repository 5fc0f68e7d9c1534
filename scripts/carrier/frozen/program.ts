/** Programs for the interpreter that containers begin with, run before anything else is in the process: x86-64 only. */

import { INSTRUCTION_WORDS, POLICY, PSEUDO, writeArgument, writeInstruction } from "../../../core/program/image.ts";
import { INTERPRETER } from "../../../core/program/interpreter/code.ts";

/** Calls by number; runo itself makes few of them, and none for another architecture. */
const NUMBERS = {
  open: 2,
  close: 3,
  mmap: 9,
  mprotect: 10,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  rt_sigreturn: 15,
  socketpair: 53,
  execve: 59,
  fcntl: 72,
  arch_prctl: 158,
  set_tid_address: 218,
  epoll_ctl: 233,
  set_robust_list: 273,
  eventfd2: 290,
  epoll_create1: 291,
  load32: PSEUDO.LOAD32,
  store32: PSEUDO.STORE32,
  jump: PSEUDO.JUMP,
  jump_if_equal: PSEUDO.JUMP_IF_EQUAL,
} as const;

/** A register of the interpreter, by its number. */
export class Register {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** What a call is given: a number, a register, or bytes, of which it gets the address. */
export type Operand = number | bigint | Register | Uint8Array;

interface Instruction {
  readonly operation: keyof typeof NUMBERS;
  readonly operands: readonly Operand[];
  readonly save: Register | undefined;
  /** Index of the instruction to go to; the last one if there is none. */
  readonly jump: number | undefined;
}

/** A program that ends with what is to be done when any of its steps fails. */
export class Program {
  readonly #instructions: Instruction[] = [];

  call(operation: keyof typeof NUMBERS, ...operands: Operand[]): void {
    this.#instructions.push({ operation, operands, save: undefined, jump: undefined });
  }

  /** The result goes to a register. */
  callInto(save: Register, operation: keyof typeof NUMBERS, ...operands: Operand[]): void {
    this.#instructions.push({ operation, operands, save, jump: undefined });
  }

  /** Goes on only if the register holds the value; 32-bit words in registers are signed. */
  require(register: Register, value: number): void {
    const jump = this.#instructions.length + 2;
    this.#instructions.push({ operation: "jump_if_equal", operands: [register, value], save: undefined, jump });
    this.call("jump");
  }

  /** A line for each instruction: the call, its operands, where its result goes; bytes in hexadecimal. */
  text(): readonly string[] {
    return this.#instructions.map(({ operation, operands, save }) =>
      [operation, ...operands.map(operandText), ...(save === undefined ? [] : ["->", `r${save.index}`])].join(" ")
    );
  }

  /**
   * The interpreter, the instructions and their data, to be loaded at an address.
   * @param state address of the interpreter's state
   */
  layOut(address: number, state: number): Uint8Array<ArrayBuffer> {
    const code = INTERPRETER.x86_64, count = this.#instructions.length;
    const instructions = code.length + 8, words = new Uint32Array(INSTRUCTION_WORDS * count);
    const data: Uint8Array[] = [];
    let end = instructions + words.byteLength;
    const place = (bytes: Uint8Array): number => {
      data.push(bytes);
      end += bytes.length;
      return address + end - bytes.length;
    };
    this.#instructions.forEach((instruction, i) => encode(words, i, instruction, { last: count - 1, place }));
    const out = new Uint8Array(end);
    out.set(code);
    new DataView(out.buffer).setBigUint64(code.length, BigInt(state), true);
    out.set(new Uint8Array(words.buffer), instructions);
    data.reduce((at, bytes) => (out.set(bytes, at), at + bytes.length), instructions + words.byteLength);
    return out;
  }
}

function operandText(operand: Operand): string {
  if (operand instanceof Register) return `r${operand.index}`;
  return operand instanceof Uint8Array ? operand.toHex() : String(operand);
}

function encode(words: Uint32Array, index: number, { operation, operands, save, jump }: Instruction, around: {
  readonly last: number;
  readonly place: (bytes: Uint8Array) => number;
}): void {
  const at = index * INSTRUCTION_WORDS;
  const inRegisters = operands.reduce<number>((bits, value, k) => value instanceof Register ? bits | 1 << k : bits, 0);
  writeInstruction(words, at, {
    number: NUMBERS[operation],
    policy: index === around.last ? POLICY.FAIL : POLICY.JUMP_ON_ANY,
    save: save?.index ?? 0,
    errno: 0,
    jump: jump ?? around.last,
    inRegisters,
    context: 0,
  });
  operands.forEach((value, k) => {
    const word = value instanceof Register ? value.index : value instanceof Uint8Array ? around.place(value) : value;
    writeArgument(words, at, k, word);
  });
}
