/**
 * Programs as executable files: a static ELF for one of two architectures, made of the interpreter and what it runs.
 *
 * | in the file                                      | in memory                                    |
 * |--------------------------------------------------|----------------------------------------------|
 * | ELF header, program headers                      | TEXT: read and execute                       |
 * | the interpreter's code, the address of the state |                                              |
 * | instructions                                     |                                              |
 * | state: registers, report, log                    | TEXT + DATA_DISTANCE + offset: read and write|
 * | data: strings and structures                     |                                              |
 *
 * Nothing is padded: an address and its offset in the file agree modulo any page size, so the kernel maps the page in
 * between twice. The instructions lie behind the code and cannot be changed; the data cannot be executed.
 */

import { EHDR, Layout, PHDR } from "../../ffi/structs.ts";
import { INTERPRETER } from "./interpreter/code.ts";

/** The machines that programs run on, as uname(2) names them. */
export type Architecture = "x86_64" | "aarch64";

/** What becomes of the result of a system call. */
export const POLICY = {
  /** An error ends the program. */
  FAIL: 0,
  /** No error does. */
  IGNORE_ANY: 1,
  /** This one does not. */
  IGNORE_ERRNO: 2,
  /** This one makes the program jump. */
  JUMP_ON_ERRNO: 3,
  /** Each error makes it jump. */
  JUMP_ON_ANY: 4,
  /** An error ends the program, 0 makes it jump. */
  JUMP_IF_ZERO: 5,
  /** An error ends the program, and so does 0. */
  FAIL_IF_ZERO: 6,
} as const;

/** Numbers of what the interpreter does itself; system calls have smaller ones. */
export const PSEUDO = {
  /** Goes to another instruction. */
  JUMP: 0x1000,
  /** Writes the low 32 bits of the first argument to the address that is the second. */
  STORE32: 0x1001,
  /** The result is the signed 32-bit word at the address. */
  LOAD32: 0x1002,
  /** The result is the argument. */
  MOVE: 0x1003,
  /** Jumps if all 64 bits of two arguments are the same. */
  JUMP_IF_EQUAL: 0x1004,
} as const;

/** Number of registers. The first takes what nobody wants to know. */
export const REGISTERS = 64;
/** The register that holds the descriptor of the conversation. */
export const SOCKET_REGISTER = 1;

/** The first word of a message: what kind it is. */
export const MESSAGE = {
  /** {kind, instruction, errno}: the program ends; an errno of 0 means that a result of 0 was the failure. */
  FAILED: 1,
  /** {kind, text}: what the kernel says about a file system, before FAILED. */
  LOG: 2,
  /** {kind, ask}: the host is asked for something. */
  ASK: 16,
} as const;

/** What the interpreter reads, 64 bytes. The .s files name the same fields. */
const INSTRUCTION = new Layout({
  number: "u32",
  policy: "u8",
  save: "u8",
  errno: "u16",
  jump: "u32",
  inRegisters: "u8",
  context: "u8",
  arg0: "u64",
  arg1: "u64",
  arg2: "u64",
  arg3: "u64",
  arg4: "u64",
  arg5: "u64",
});

/** Words of 32 bits that an instruction has, all of them 0 to begin with. */
export const INSTRUCTION_WORDS = INSTRUCTION.size / 4;

/** An instruction but for its arguments. */
export interface Encoded {
  /** A system call of the architecture, or a PSEUDO. */
  readonly number: number;
  readonly policy: number;
  /** The register that the result goes to. */
  readonly save: number;
  /** The errno that the policy is about. */
  readonly errno: number;
  /** Index of the instruction to jump to. */
  readonly jump: number;
  /** Bit k: argument k is in the register of that number. */
  readonly inRegisters: number;
  /** The register of an fsopen context that explains an error, or 0. */
  readonly context: number;
}

/** What stands in front of the data, as the program starts. */
const STATE = new Layout({ sink: "u64", socket: "u64" });
/** Behind the registers: a report, and a message of the log; only their first words are known before. */
const REPORT = new Layout({ kind: "u32", instruction: "u32", errno: "u32", logKind: "u32" });
const REPORT_OFFSET = 8 * REGISTERS;
const STATE_SIZE = 1024;

const POINTER = new Layout({ address: "u64" });

const ELF = { MAGIC: 0x464c457f, CLASS64: 2, LITTLE_ENDIAN: 1, VERSION: 1, EXECUTABLE: 2 } as const;
const MACHINE: Readonly<Record<Architecture, number>> = { x86_64: 62, aarch64: 183 };
const PT_LOAD = 1, PT_GNU_STACK = 0x6474e551;
const READ = 4, WRITE = 2, EXECUTE = 1;

const SEGMENTS = 3;
const CODE_OFFSET = EHDR.size + SEGMENTS * PHDR.size;
/** Where the file begins in memory. */
const TEXT = 0x400000;
/** Where the interpreter's code has a signal handler that ends the process, as a shell would say it: 128 + the signal. */
const SIGNAL_HANDLER = 8;
/** The largest page that either architecture has. */
const LARGEST_PAGE = 0x10000;
/** How much further from their offset the state and the data are than the text: they share no page, whatever its size. */
const DATA_DISTANCE = LARGEST_PAGE;
/** The page of most kernels, and a part of the others' pages. */
const SMALLEST_PAGE = 4096;

/** Where the parts of an image with so many instructions begin in the file. */
function offsets(arch: Architecture, count: number): { instructions: number; state: number; data: number } {
  const instructions = CODE_OFFSET + INTERPRETER[arch].length + POINTER.size;
  const state = instructions + INSTRUCTION.size * count;
  return { instructions, state, data: state + STATE_SIZE };
}

/** The address of the data in an image with so many instructions. */
export function dataAddress(arch: Architecture, count: number): number {
  return TEXT + DATA_DISTANCE + offsets(arch, count).data;
}

/** The address of a signal handler that ends the process. */
export function signalHandler(): number {
  return TEXT + CODE_OFFSET + SIGNAL_HANDLER;
}

/** The whole pages, of the smallest size, that hold nothing but the first `count` instructions. */
export function spentInstructions(arch: Architecture, count: number): { address: number; length: number } {
  const { instructions, state } = offsets(arch, count);
  const address = TEXT + Math.ceil(instructions / SMALLEST_PAGE) * SMALLEST_PAGE;
  const end = TEXT + Math.floor(state / SMALLEST_PAGE) * SMALLEST_PAGE;
  return { address, length: Math.max(0, end - address) };
}

/** What an image is made of. */
export interface ImageParts {
  /** INSTRUCTION_WORDS each. */
  readonly instructions: Uint32Array;
  /** Goes to `dataAddress()`; addresses in it are final. */
  readonly data: Uint8Array;
  /** The descriptor of the conversation, as the program inherits it. */
  readonly socket: number;
}

/** The bytes of the executable file. */
export function buildImage(
  arch: Architecture,
  { instructions, data, socket }: ImageParts,
): Uint8Array<ArrayBuffer> {
  const at = offsets(arch, instructions.length / INSTRUCTION_WORDS);
  const file = new Uint8Array(new ArrayBuffer(at.data + data.length));
  writeHeaders(file, arch, at.state);
  file.set(INTERPRETER[arch], CODE_OFFSET);
  POINTER.packInto(file, at.instructions - POINTER.size, { address: TEXT + DATA_DISTANCE + at.state });
  file.set(new Uint8Array(instructions.buffer, instructions.byteOffset, instructions.byteLength), at.instructions);
  STATE.packInto(file, at.state, { socket });
  REPORT.packInto(file, at.state + REPORT_OFFSET, { kind: MESSAGE.FAILED, logKind: MESSAGE.LOG });
  file.set(data, at.data);
  return file;
}

/** The word where a field begins, and how far up in it. */
const WORD = {
  number: INSTRUCTION.offset("number") / 4,
  policy: INSTRUCTION.offset("policy") / 4,
  jump: INSTRUCTION.offset("jump") / 4,
  inRegisters: INSTRUCTION.offset("inRegisters") / 4,
  args: INSTRUCTION.offset("arg0") / 4,
} as const;

/**
 * Writes an instruction to where its words begin, but for the arguments. By hand, for there are many of them, and this runs once:
 * before it could become fast, it is over. Both architectures are little endian.
 */
export function writeInstruction(words: Uint32Array, at: number, instruction: Encoded): void {
  words[at + WORD.number] = instruction.number;
  words[at + WORD.policy] = instruction.policy | instruction.save << 8 | instruction.errno << 16;
  words[at + WORD.jump] = instruction.jump;
  words[at + WORD.inRegisters] = instruction.inRegisters | instruction.context << 8;
}

/** Writes argument `k`; most are small, and their upper half is 0 already. */
export function writeArgument(words: Uint32Array, at: number, k: number, value: number | bigint): void {
  const low = at + WORD.args + 2 * k;
  if (typeof value === "bigint") {
    words[low] = Number(BigInt.asUintN(32, value));
    words[low + 1] = Number(BigInt.asUintN(32, value >> 32n));
  } else {
    words[low] = value;
    if (value < 0 || value > 0xffffffff) words[low + 1] = Math.floor(value / 0x100000000);
  }
}

function writeHeaders(file: Uint8Array<ArrayBuffer>, arch: Architecture, state: number): void {
  EHDR.packInto(file, 0, {
    magic: ELF.MAGIC,
    class: ELF.CLASS64,
    data: ELF.LITTLE_ENDIAN,
    identVersion: ELF.VERSION,
    type: ELF.EXECUTABLE,
    machine: MACHINE[arch],
    version: ELF.VERSION,
    entry: TEXT + CODE_OFFSET,
    phoff: EHDR.size,
    ehsize: EHDR.size,
    phentsize: PHDR.size,
    phnum: SEGMENTS,
  });
  const segments = [
    { ...loaded(0, TEXT, state), flags: READ | EXECUTE },
    { ...loaded(state, TEXT + DATA_DISTANCE + state, file.length - state), flags: READ | WRITE },
    // without this one the kernel would make the stack executable
    { type: PT_GNU_STACK, flags: READ | WRITE },
  ];
  segments.forEach((segment, n) => PHDR.packInto(file, EHDR.size + n * PHDR.size, segment));
}

function loaded(offset: number, vaddr: number, size: number): { readonly [field: string]: number } {
  return { type: PT_LOAD, offset, vaddr, paddr: vaddr, filesz: size, memsz: size, align: LARGEST_PAGE };
}
