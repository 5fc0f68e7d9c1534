import { assertEquals, assertThrows } from "@std/assert";

import { Data } from "../../../../core/program/assembly.ts";
import { table, words } from "../../../../core/program/blocks.ts";
import { Program } from "../../../../core/program/program.ts";
import { onEachMachine, onThisMachine, run, start } from "./machine.ts";
import { receive, send } from "../../../../ffi/socket.ts";

Deno.test("register() hands out each register once, and neither the sink nor the socket", () => {
  const p = new Program("x86_64");
  const indexes = Array.from({ length: 62 }, (_, n) => p.register(`r${n}`).index);
  assertEquals([...new Set(indexes)].sort((a, b) => a - b), Array.from({ length: 62 }, (_, n) => n + 2));
  assertThrows(() => p.register("one more"), RangeError, "the program has no register left");
});

Deno.test("free() makes a register usable again", () => {
  const p = new Program("x86_64");
  const first = p.register("first");
  p.free(first);
  assertEquals(p.register("second").index, first.index);
});

Deno.test("image() refuses a jump to a label that is nowhere", () => {
  const p = new Program("x86_64");
  p.jump(p.label("nowhere"));
  assertThrows(() => p.image(3), RangeError, 'label "nowhere" is not placed');
});

Deno.test("image() holds each string and each piece of data once", () => {
  const p = new Program("x86_64");
  const shared = words([0x11223344, 0x55667718, 0x11223344]);
  for (let n = 0; n < 3; n++) p.emit("openat", [-100, "the only one", 0, 0]);
  for (let n = 0; n < 3; n++) p.emit("write", [1, shared, 12]);
  const text = new TextDecoder("latin1").decode(p.image(3));
  assertEquals(text.split("the only one\0").length, 2);
  assertEquals(text.split("\x44\x33\x22\x11\x18\x77\x66\x55").length, 2);
});

Deno.test("image() leaves the program as it was", () => {
  const p = new Program("x86_64");
  const argv = table(["true"]);
  p.execve("/bin/true", argv, table([]));
  const first = p.image(3);
  assertEquals(argv.bytes, new Uint8Array(16));
  assertEquals(p.image(3), first);
});

Deno.test("emit() notes the step that it belongs to", () => {
  const p = new Program("x86_64");
  p.emit("umask", [0]);
  p.step('doing "this"', { pointer: "/this", hints: { EPERM: "needs root" } });
  p.emit("umask", [0]);
  assertEquals(p.instructions.map(({ step }) => step), [
    { phrase: "starting" },
    { phrase: 'doing "this"', pointer: "/this", hints: { EPERM: "needs root" } },
  ]);
});

onThisMachine("table() is an argument vector, also of data that the program fills in", (arch) => {
  const outcome = run(arch, (p) => {
    const filled = new Data(new Uint8Array(4), { text: "made later" }), sixtyFour = 0x3436;
    p.emit("store32", [sixtyFour, filled]);
    p.execve("/bin/sh", table(["sh", "-c", 'exit "$NUMBER$1"', "sh", filled]), table(["NUMBER=", "OTHER=1"]));
  });
  assertEquals(outcome, { log: [], told: [], status: { code: 64 } });
});

onEachMachine("askWithFd() hands a descriptor to the host and takes its answer", (arch) => {
  const p = new Program(arch);
  const answer = new Data(new Uint8Array(8), { text: "answer" });
  const file = p.openat2(-100, "/proc/self/exe", { read: true, resolve: "host" }, { ignore: "ENOSYS" });
  // qemu-user may lack openat2
  p.emitInto(file, "openat", [-100, "/dev/null", 0, 0]);
  p.askWithFd(42, "something", file, { reply: answer });
  p.emit("exit_group", [p.emitInto(p.register("word"), "load32", [answer])]);
  using running = start(p);
  const { bytes, fd, pid } = receive(running.socket, 100);
  assertEquals([...new Uint32Array(bytes.slice().buffer)], [16, 42]);
  assertEquals(pid, running.pid);
  assertEquals(Deno.readLinkSync(`/proc/self/fd/${fd?.number}`), "/dev/null");
  fd?.[Symbol.dispose]();
  send(running.socket, new Uint8Array(Uint32Array.of(77).buffer));
  assertEquals(running.finish().status, { code: 77 });
});

onEachMachine("ask() ends the program when the host is gone", (arch) => {
  const p = new Program(arch);
  p.ask(1, "anything");
  p.emit("exit_group", [0]);
  using running = start(p);
  receive(running.socket, 100);
  // no answer will come any more
  running.hangUp();
  assertEquals(running.wait(), { code: 1 });
});
