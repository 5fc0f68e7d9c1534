import { assert, assertEquals } from "@std/assert";

import { PR_SET_NAME } from "../../../../ffi/abi.ts";
import { receive, send } from "../../../../ffi/socket.ts";
import { EHDR, PHDR } from "../../../../ffi/structs.ts";
import type { Architecture } from "../../../../core/program/image.ts";
import { dataAddress, spentInstructions } from "../../../../core/program/image.ts";
import { INTERPRETER } from "../../../../core/program/interpreter/code.ts";
import { Program } from "../../../../core/program/program.ts";
import { onEachMachine, onThisMachine, run, start } from "./machine.ts";

const PT_LOAD = 1, PT_GNU_STACK = 0x6474e551;
const EXECUTE = 1, WRITE = 2, READ = 4;
const LARGEST_PAGE = 0x10000n;
const INSTRUCTION_SIZE = 64;

function programOf(arch: Architecture, count: number): Program {
  const p = new Program(arch);
  for (let n = 0; n < count; n++) p.emit("umask", [n & 0o777]);
  p.emit("exit_group", [0]);
  return p;
}

function segmentsOf(image: Uint8Array): ReturnType<typeof PHDR.read>[] {
  const { phoff, phnum } = EHDR.read(image);
  return Array.from({ length: phnum }, (_, n) => PHDR.read(image.subarray(Number(phoff) + n * PHDR.size)));
}

for (const [arch, machine] of [["x86_64", 62], ["aarch64", 183]] as const) {
  Deno.test(`image() makes a static ELF executable for ${arch}`, () => {
    const header = EHDR.read(programOf(arch, 1).image(3));
    const { magic, class: bits, data, type, machine: found, phnum, shnum } = header;
    assertEquals(
      { magic, bits, data, type, found, phnum, shnum },
      { magic: 0x464c457f, bits: 2, data: 1, type: 2, found: machine, phnum: 3, shnum: 0 },
    );
  });

  Deno.test(`image() lets nothing be both written and executed on ${arch}`, () => {
    const flags = segmentsOf(programOf(arch, 1).image(3)).map(({ type, flags }) => [type, flags]);
    assertEquals(flags, [[PT_LOAD, READ | EXECUTE], [PT_LOAD, READ | WRITE], [PT_GNU_STACK, READ | WRITE]]);
  });

  for (const count of [1, 55, 56, 57, 1000, 5000]) {
    Deno.test(`image() of ${count} calls fits every page size on ${arch}`, () => {
      const image = programOf(arch, count).image(3);
      const [text, data] = segmentsOf(image) as [ReturnType<typeof PHDR.read>, ReturnType<typeof PHDR.read>];
      for (const { offset, vaddr, align } of [text, data]) {
        assertEquals(align, LARGEST_PAGE);
        assertEquals(offset % LARGEST_PAGE, vaddr % LARGEST_PAGE);
      }
      // the last page of the text is not the first of the data
      assert((text.vaddr + text.memsz - 1n) / LARGEST_PAGE < data.vaddr / LARGEST_PAGE);
      assertEquals(BigInt(image.length), data.offset + data.filesz);
    });
  }

  Deno.test(`image() is no larger than its parts on ${arch}`, () => {
    const headers = EHDR.size + 3 * PHDR.size, pointer = 8, state = 1024;
    assertEquals(
      programOf(arch, 299).image(3).length,
      headers + INTERPRETER[arch].length + pointer + 300 * INSTRUCTION_SIZE + state,
    );
    assert(INTERPRETER[arch].length < 512);
  });

  Deno.test(`dataAddress() is where image() puts the data on ${arch}`, () => {
    const p = new Program(arch);
    p.write(2, "here it is");
    const image = p.image(3), [, data] = segmentsOf(image);
    const at = new TextDecoder("latin1").decode(image).indexOf("here it is\0");
    assertEquals(data!.vaddr - data!.offset + BigInt(at), BigInt(dataAddress(arch, 1)));
  });

  Deno.test(`spentInstructions() are whole pages, none of them of the next instruction on ${arch}`, () => {
    const end = (count: number) => {
      const { address, length } = spentInstructions(arch, count);
      assertEquals([address % 4096, length % 4096], [0, 0]);
      return address + length;
    };
    assertEquals(spentInstructions(arch, 0).length, 0);
    assertEquals(spentInstructions(arch, 64).length, 0);
    for (const count of [100, 200, 1000]) {
      const text = segmentsOf(programOf(arch, count).image(3))[0]!;
      const next = Number(text.vaddr + text.memsz) - INSTRUCTION_SIZE;
      assert(end(count) <= next && end(count) > next - 4096 - INSTRUCTION_SIZE);
    }
  });
}

onEachMachine("releaseSpent() leaves the instructions that follow", (arch) => {
  const outcome = run(arch, (p) => {
    for (let n = 0; n < 500; n++) p.emit("umask", [0]);
    p.releaseSpent();
    p.emit("exit_group", [4]);
  });
  assertEquals(outcome.status, { code: 4 });
});

onThisMachine("image() becomes a process of one thread that takes next to no memory", (arch) => {
  const p = new Program(arch);
  p.prctl(PR_SET_NAME, "waiting");
  for (let n = 0; n < 1000; n++) p.write(-1, `text ${n}`, { ignore: "any" });
  p.releaseSpent();
  p.ask(1, "anything");
  p.emit("exit_group", [0]);
  using running = start(p);
  receive(running.socket, 16);
  const proc = `/proc/${running.pid}`;
  const status = Deno.readTextFileSync(`${proc}/status`);
  const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1];
  const permissions = Deno.readTextFileSync(`${proc}/maps`).trim().split("\n").map((line) => line.split(" ")[1]!);
  send(running.socket, Uint8Array.of(1));
  assertEquals(running.finish().status, { code: 0 });
  assertEquals([field("Name"), field("Threads")], ["waiting", "1"]);
  const rss = Number.parseInt(field("VmRSS")!);
  assert(rss <= 64, `${rss} kB`);
  assertEquals(permissions.filter((flags) => flags.includes("w") && flags.includes("x")), []);
});
