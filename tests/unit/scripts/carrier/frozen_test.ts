import { assertEquals, assertThrows } from "@std/assert";

import { INTERPRETER } from "../../../../core/program/interpreter/code.ts";
import { makeDescriptors } from "../../../../scripts/carrier/frozen/descriptors.ts";
import type { Descriptor, FrozenProcess, Mapping } from "../../../../scripts/carrier/frozen/freeze.ts";
import { readMemory } from "../../../../scripts/carrier/frozen/memory.ts";
import { Program, Register } from "../../../../scripts/carrier/frozen/program.ts";

const PAGE = 4096;

/** A process with these mappings, whose memory is zero but for some bytes. */
function processWith(
  mappings: readonly Partial<Mapping>[],
  bytes: Readonly<Record<number, number>> = {},
): FrozenProcess {
  return {
    told: { pid: 1, self: "0", currentBreak: "0", restorer: "0", signals: [] },
    mappings: mappings.map((mapping) => ({ start: 0, end: 0, permissions: "rw-p", offset: 0, name: "", ...mapping })),
    descriptors: [],
    stackPointer: 0,
    read: (address, length) => {
      const memory = new Uint8Array(length);
      for (const [at, byte] of Object.entries(bytes)) {
        if (Number(at) >= address && Number(at) < address + length) memory[Number(at) - address] = byte;
      }
      return memory;
    },
  };
}

Deno.test("readMemory() keeps pages that hold something, and what lies between them when that is little", () => {
  const at = 0x10000000, end = at + 64 * PAGE;
  const process = processWith([{ start: at, end }], { [at + 3 * PAGE]: 7, [at + 5 * PAGE + 1]: 7, [end - 1]: 7 });
  const { pages, anonymous } = readMemory(process, "/executable");
  assertEquals(pages.map(({ start, end }) => [(start - at) / PAGE, (end - at) / PAGE]), [[3, 6], [63, 64]]);
  assertEquals([pages[0]!.bytes.length, pages[0]!.bytes[0]], [3 * PAGE, 7]);
  assertEquals(anonymous.map(({ start, end }) => [start, end]), [[at, end]]);
});

Deno.test("readMemory() leaves to the kernel what it maps itself", () => {
  const process = processWith([
    { start: 0x7ff000000000, end: 0x7ff000001000, name: "[vdso]" },
    { start: 0x7ff100000000, end: 0x7ff100001000, name: "[stack]" },
  ], { 0x7ff000000000: 1, 0x7ff100000000: 1 });
  assertEquals(readMemory(process, "/executable"), { libraries: [], anonymous: [], pages: [], protect: [] });
});

Deno.test("readMemory() refuses memory that is shared", () => {
  const process = processWith([{ start: PAGE, end: 2 * PAGE, permissions: "rw-s", name: "/dev/shm/x" }]);
  assertThrows(() => readMemory(process, "/executable"), Error, 'freezing: "/dev/shm/x" is mapped "rw-s"');
});

const STANDARD: readonly Descriptor[] = ["/in", "/out", "/err"].map((link, number) => ({ number, link, info: "" }));

function described(number: number, link: string, flags = "02000002", more = ""): Descriptor {
  return { number, link, info: `pos:\t0\nflags:\t${flags}\n${more}` };
}

Deno.test("makeDescriptors() makes an event loop's files, and copies", () => {
  const program = new Program();
  makeDescriptors(program, [
    ...STANDARD,
    described(7, "/dev/null"),
    described(200, "anon_inode:[eventpoll]", "02000002", "tfd:      201 events: 80002019 data:        1f  pos:0\n"),
    described(201, "anon_inode:[eventfd]", "02004002", "eventfd-count:        a\n"),
    described(202, "anon_inode:[eventpoll]"),
    described(203, "socket:[1]", "02004002"),
    described(204, "socket:[2]", "02004002"),
    described(205, "/out", "02100001"),
  ]);
  assertEquals(program.text().filter((line) => !/^(jump|close)/.test(line)), [
    "epoll_create1 524288 -> r5",
    "fcntl r5 1030 200 -> r6",
    "eventfd2 10 526336 -> r5",
    "fcntl r5 1030 201 -> r6",
    "fcntl 200 1030 202 -> r6",
    "socketpair 1 526337 0 2099200",
    "load32 2099200 -> r5",
    "fcntl r5 1030 203 -> r6",
    "load32 2099204 -> r5",
    "fcntl r5 1030 204 -> r6",
    "fcntl 1 1030 205 -> r6",
    "epoll_ctl 200 1 201 192000801f00000000000000",
  ]);
});

Deno.test("makeDescriptors() refuses a file that it does not know how to make", () => {
  const make = () => makeDescriptors(new Program(), [...STANDARD, described(200, "/etc/passwd")]);
  assertThrows(make, Error, 'freezing: descriptor 200 is "/etc/passwd"');
});

Deno.test("Program goes to its last instruction when one fails, or a register has another value", () => {
  const program = new Program(), register = new Register(9);
  program.callInto(register, "open", new TextEncoder().encode("/x\0"), 0, 0);
  program.require(register, -2);
  program.call("execve", 1, 2, 3);
  const bytes = program.layOut(0x1000, 0x2000), at = INTERPRETER.x86_64.length;
  const word = new DataView(bytes.buffer, at);
  assertEquals(word.getBigUint64(0, true), 0x2000n);
  const jumps = [0, 1, 2, 3].map((i) => word.getUint32(8 + 64 * i + 8, true));
  assertEquals(jumps, [3, 3, 3, 3]);
  // the path follows the instructions
  assertEquals(word.getBigUint64(8 + 16, true), BigInt(0x1000 + at + 8 + 4 * 64));
  assertEquals(word.getBigInt64(8 + 64 + 24, true), -2n);
});
