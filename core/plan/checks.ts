/** Looking at what system calls reported, and ending the program when it is not as it must be. */

import { PROC_SUPER_MAGIC } from "../../ffi/abi.ts";
import { STATFS } from "../../ffi/structs.ts";
import { Data, type Reg, Within } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";

/** Where in the data a 32-bit word is, and a value to compare it with. */
export interface Word {
  readonly data: Data;
  readonly offset: number;
  readonly value: number;
}

/** Ends the program with EBADF unless the word has the value: the step has a sentence for that. */
export function expectWord(p: Program, { data, offset, value }: Word): void {
  const as = p.label("as expected");
  const word = p.register("word");
  p.emitInto(word, "load32", [new Within(data, offset)]);
  p.emit("jump_if_equal", [word, value], { to: as });
  fail(p);
  p.place(as);
  p.free(word);
}

/** Looked at as soon as it is written: one for all. */
const LOOKED_AT = new Data(new Uint8Array(STATFS.size), { text: "statfs" });

/** Where the type of the file system that a descriptor is on will be, and that of procfs. */
export function procfsType(p: Program, fd: Reg): Word {
  p.emit("fstatfs", [fd, LOOKED_AT]);
  return { data: LOOKED_AT, offset: STATFS.offset("type"), value: PROC_SUPER_MAGIC };
}

/** Ends the program with EBADF if the word has the value. */
export function refuseWord(p: Program, { data, offset, value }: Word): void {
  const bad = p.label("refused"), fine = p.label("fine");
  const word = p.register("word");
  p.emitInto(word, "load32", [new Within(data, offset)]);
  p.emit("jump_if_equal", [word, value], { to: bad });
  p.jump(fine);
  p.place(bad);
  fail(p);
  p.place(fine);
  p.free(word);
}

/** A call that always fails, with EBADF. */
export function fail(p: Program): void {
  p.emit("fchdir", [-1]);
}
