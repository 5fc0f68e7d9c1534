/** What programs are made of: instructions over registers and data, grouped in steps, and their way into an image. */

import { ERRNO, type Errno, type SyscallName, SYSCALLS } from "../../ffi/abi.ts";
import { Layout } from "../../ffi/structs.ts";
import {
  type Architecture,
  buildImage,
  dataAddress,
  INSTRUCTION_WORDS,
  POLICY,
  PSEUDO,
  REGISTERS,
  writeArgument,
  writeInstruction,
} from "./image.ts";

/** A register: the result of a system call that is not known before the program runs. */
export class Reg {
  readonly index: number;
  readonly name: string;
  constructor(index: number, name: string) {
    this.index = index;
    this.name = name;
  }
}

/** A place in the program that a jump goes to. */
export class Label {
  readonly name: string;
  /** The index of the instruction that follows; -1 until it is placed. */
  at = -1;
  constructor(name: string) {
    this.name = name;
  }
}

/** Memory that a system call reads or writes; it may point to other memory. */
export class Data {
  readonly bytes: Uint8Array;
  /** Where addresses are to be filled in, and of what. */
  readonly pointers: readonly (readonly [offset: number, target: Data | string])[];
  /** What `plan` prints in place of the bytes. */
  readonly text: string | undefined;

  constructor(bytes: Uint8Array, options: { pointers?: Data["pointers"]; text?: string } = {}) {
    this.bytes = bytes;
    this.pointers = options.pointers ?? [];
    this.text = options.text;
  }
}

/** A place inside of data. */
export class Within {
  readonly data: Data;
  readonly offset: number;
  constructor(data: Data, offset: number) {
    this.data = data;
    this.offset = offset;
  }
}

/** What a system call is given: an integer, the content of a register, or the address of a string or of data. */
export type Value = number | bigint | Reg | string | Data | Within;

/** What becomes of the result. Without any of it an error ends the program. */
export interface Handling {
  /** Carry on after this error, or after any. */
  readonly ignore?: Errno | "any";
  /** Jump to `to` on this error, or on any. */
  readonly on?: Errno | "any";
  readonly to?: Label;
  /** Jump there if the result is 0. */
  readonly ifZero?: Label;
  /** A result of 0 ends the program: the host is gone. */
  readonly failIfZero?: boolean;
  /** The fsopen context whose messages explain an error. */
  readonly log?: Reg;
}

/** Pseudo-operations, beside the system calls. */
export type Operation = SyscallName | "jump" | "store32" | "load32" | "move" | "jump_if_equal";

/** What a stretch of instructions is for: the words of its error, and of `plan`. */
export interface Step {
  /** What is being done, to what: `mounting "tmpfs" at "/dev"`. */
  readonly phrase: string;
  /** Where config.json asks for it, as a JSON pointer. */
  readonly pointer?: string;
  /** Likely fixes, by errno name. */
  readonly hints?: Readonly<Partial<Record<Errno, string>>>;
  /** A whole sentence that takes the place of "phrase: call: errno", by errno name: where callers look for the words. */
  readonly sentences?: Readonly<Partial<Record<Errno, string>>>;
}

/** One instruction, before it is laid out. */
export interface Instruction {
  readonly step: Step;
  readonly operation: Operation;
  readonly args: readonly Value[];
  readonly handling: Handling;
  readonly save: Reg | undefined;
}

const PSEUDO_NUMBER: Readonly<Record<string, number>> = {
  jump: PSEUDO.JUMP,
  store32: PSEUDO.STORE32,
  load32: PSEUDO.LOAD32,
  move: PSEUDO.MOVE,
  jump_if_equal: PSEUDO.JUMP_IF_EQUAL,
};

/** Registers 0 (the sink) and 1 (the socket) are not handed out. */
const FIRST_FREE = 2;

/** A growing list of instructions. `Program` adds a method for each operation. */
export class Assembly {
  readonly arch: Architecture;
  readonly instructions: Instruction[] = [];
  readonly #free: number[] = [];
  #step: Step = { phrase: "starting" };

  constructor(arch: Architecture) {
    this.arch = arch;
    for (let index = REGISTERS - 1; index >= FIRST_FREE; index--) this.#free.push(index);
  }

  /** Says what the instructions from here on are for. */
  step(phrase: string, about: Omit<Step, "phrase"> = {}): Step {
    return this.#step = { phrase, ...about };
  }

  /** What was said last. */
  get currentStep(): Step {
    return this.#step;
  }

  /** Says that they go on with what was said before. */
  resume(step: Step): void {
    this.#step = step;
  }

  /** A register that is not in use. */
  register(name: string): Reg {
    const index = this.#free.pop();
    if (index === undefined) throw new RangeError("the program has no register left");
    return new Reg(index, name);
  }

  /** Gives a register back; what it held is not closed. */
  free(reg: Reg): void {
    this.#free.push(reg.index);
  }

  /** A label, to be placed with `place`. */
  label(name: string): Label {
    return new Label(name);
  }

  /** The label means the next instruction. */
  place(label: Label): void {
    label.at = this.instructions.length;
  }

  /** Adds an instruction whose result nobody needs. */
  emit(operation: Operation, args: readonly Value[], handling: Handling = {}): void {
    this.instructions.push({ step: this.#step, operation, args, handling, save: undefined });
  }

  /** Adds an instruction whose result goes to a register. */
  emitInto(save: Reg, operation: Operation, args: readonly Value[], handling: Handling = {}): Reg {
    this.instructions.push({ step: this.#step, operation, args, handling, save });
    return save;
  }

  /**
   * The program as an executable file.
   * @param socket the descriptor of the conversation, as the program inherits it
   */
  image(socket: number): Uint8Array<ArrayBuffer> {
    const pool = new Pool(dataAddress(this.arch, this.instructions.length));
    const words = new Uint32Array(INSTRUCTION_WORDS * this.instructions.length);
    for (let i = 0; i < this.instructions.length; i++) {
      this.#encode(words, INSTRUCTION_WORDS * i, this.instructions[i]!, pool);
    }
    return buildImage(this.arch, { instructions: words, data: pool.bytes(), socket });
  }

  #encode(words: Uint32Array, at: number, { operation, args, handling, save }: Instruction, pool: Pool): void {
    let inRegisters = 0;
    // a loop by hand, for there are thousands of arguments, and this runs once; most are numbers
    for (let k = 0; k < args.length; k++) {
      const value = args[k]!;
      if (typeof value === "number" || typeof value === "bigint") writeArgument(words, at, k, value);
      else if (value instanceof Reg) {
        inRegisters |= 1 << k;
        writeArgument(words, at, k, value.index);
      } else writeArgument(words, at, k, addressOf(value, pool));
    }
    writeInstruction(words, at, {
      number: PSEUDO_NUMBER[operation] ?? SYSCALLS[operation as SyscallName][this.arch === "x86_64" ? 0 : 1],
      policy: policyOf(handling),
      save: save?.index ?? 0,
      errno: errnoOf(handling),
      jump: jumpOf(handling),
      inRegisters,
      context: handling.log?.index ?? 0,
    });
  }
}

/** What the interpreter gets for text, or for data. */
function addressOf(value: string | Data | Within, pool: Pool): number {
  return value instanceof Within ? pool.place(value.data) + value.offset : pool.place(value);
}

function policyOf({ ignore, on, ifZero, failIfZero }: Handling): number {
  if (ignore !== undefined) return ignore === "any" ? POLICY.IGNORE_ANY : POLICY.IGNORE_ERRNO;
  if (on !== undefined) return on === "any" ? POLICY.JUMP_ON_ANY : POLICY.JUMP_ON_ERRNO;
  if (ifZero !== undefined) return POLICY.JUMP_IF_ZERO;
  return failIfZero ? POLICY.FAIL_IF_ZERO : POLICY.FAIL;
}

function errnoOf({ ignore, on }: Handling): number {
  const errno = ignore ?? on;
  return errno === undefined || errno === "any" ? 0 : ERRNO[errno];
}

function jumpOf({ to, ifZero }: Handling): number {
  const target = to ?? ifZero;
  if (target === undefined) return 0;
  if (target.at < 0) throw new RangeError(`label "${target.name}" is not placed`);
  return target.at;
}

/** The data of a program, from an address on: each string and each piece of data once. */
class Pool {
  readonly #places = new Map<Data | string, number>();
  readonly #chunks: (readonly [address: number, bytes: Uint8Array])[] = [];
  readonly #pointers: (readonly [address: number, target: number])[] = [];
  readonly #start: number;
  #end: number;

  constructor(start: number) {
    this.#start = start;
    this.#end = start;
  }

  /** The address of the string or the data. */
  place(value: Data | string): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    const bytes = typeof value === "string" ? encoder.encode(`${value}\0`) : value.bytes;
    const address = this.#end;
    this.#end = (address + bytes.length + 7) & ~7;
    this.#places.set(value, address);
    this.#chunks.push([address, bytes]);
    if (value instanceof Data) {
      for (const [offset, target] of value.pointers) this.#pointers.push([address + offset, this.place(target)]);
    }
    return address;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#end - this.#start);
    for (const [address, bytes] of this.#chunks) all.set(bytes, address - this.#start);
    for (const [address, target] of this.#pointers) POINTER.packInto(all, address - this.#start, { target });
    return all;
  }
}

const POINTER = new Layout({ target: "u64" });
const encoder = new TextEncoder();
