import { assertEquals } from "@std/assert";

import {
  AF_UNIX,
  AT_FDCWD,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  ERRNO,
  PR_SET_DUMPABLE,
  SIGTERM,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from "../../../../ffi/abi.ts";
import { call } from "../../../../ffi/call.ts";
import { receive, send } from "../../../../ffi/socket.ts";
import { processStat } from "../../../../core/host/procfs.ts";
import { type Handling, type Label, Reg, Within } from "../../../../core/program/assembly.ts";
import { words } from "../../../../core/program/blocks.ts";
import { type Architecture, MESSAGE, SOCKET_REGISTER } from "../../../../core/program/image.ts";
import { INTERPRETER } from "../../../../core/program/interpreter/code.ts";
import { Program } from "../../../../core/program/program.ts";
import { missingAssembler } from "../../../../scripts/gen/assemble.ts";
import { assembleInterpreter } from "../../../../scripts/gen/interpreter.ts";
import { onEachMachine, onThisMachine, run, start } from "./machine.ts";

for (const arch of ["x86_64", "aarch64"] as const) {
  const missing = missingAssembler(arch);
  Deno.test({
    name: `INTERPRETER has the bytes of ${arch}.s${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    ignore: missing !== undefined,
    fn: () => assertEquals(assembleInterpreter(arch).toHex(), INTERPRETER[arch].toHex()),
  });
}

const SO_RCVTIMEO = 20, SIGSTOP = 19, SIGCONT = 18;
const SOCKET = new Reg(SOCKET_REGISTER, "socket");

/** Exits with this code. */
function exit(p: Program, code: number): void {
  p.emit("exit_group", [code]);
}

/** What a program exits with in which `write` can jump to "there", 7, or go on, 3. */
function pathTaken(arch: Architecture, write: (p: Program, there: Label) => void) {
  return run(arch, (p) => {
    const there = p.label("there");
    write(p, there);
    exit(p, 3);
    p.place(there);
    exit(p, 7);
  });
}

const WENT_ON = { log: [], told: [], status: { code: 3 } };
const JUMPED = { log: [], told: [], status: { code: 7 } };

function failedWith(errno: number, instruction = 0) {
  return { failed: { instruction, errno }, log: [], told: [], status: { code: 1 } };
}

onEachMachine("emit() ends the program with a report when the call fails", (arch) => {
  const outcome = run(arch, (p) => {
    p.prctl(PR_SET_DUMPABLE, 1);
    p.emit("close", [-1]);
    exit(p, 0);
  });
  assertEquals(outcome, failedWith(ERRNO.EBADF, 1));
});

onEachMachine("emit() is named in the report by its number, however many there are", (arch) => {
  const outcome = run(arch, (p) => {
    for (let n = 0; n < 1500; n++) p.emit("umask", [0o22]);
    p.emit("close", [-1]);
  });
  assertEquals(outcome, failedWith(ERRNO.EBADF, 1500));
});

const closing = (handling: (there: Label) => Handling) => (arch: Architecture) =>
  pathTaken(arch, (p, there) => p.emit("close", [-1], handling(there)));

onEachMachine("emit() with ignore any carries on after an error", (arch) => {
  assertEquals(closing(() => ({ ignore: "any" }))(arch), WENT_ON);
});

onEachMachine("emit() with ignore carries on after the errno that it names alone", (arch) => {
  assertEquals(closing(() => ({ ignore: "EBADF" }))(arch), WENT_ON);
  assertEquals(closing(() => ({ ignore: "EPERM" }))(arch), failedWith(ERRNO.EBADF));
});

onEachMachine("emit() with on jumps at the errno that it names alone", (arch) => {
  assertEquals(closing((to) => ({ on: "EBADF", to }))(arch), JUMPED);
  assertEquals(closing((to) => ({ on: "EPERM", to }))(arch), failedWith(ERRNO.EBADF));
});

onEachMachine("emit() with on any jumps at each error", (arch) => {
  assertEquals(closing((to) => ({ on: "any", to }))(arch), JUMPED);
});

onEachMachine("emit() goes on after success, whatever the policy", (arch) => {
  const all: ((to: Label) => Handling)[] = [
    () => ({}),
    () => ({ ignore: "any" }),
    () => ({ ignore: "EBADF" }),
    (to) => ({ on: "any", to }),
    (to) => ({ on: "EBADF", to }),
    (to) => ({ ifZero: to }),
    () => ({ failIfZero: true }),
  ];
  // the umask is not 0: a success of another value than that
  for (const handling of all) {
    const outcome = pathTaken(arch, (p, there) => {
      p.emit("umask", [0o22]);
      p.emit("umask", [0o22], handling(there));
    });
    assertEquals(outcome, WENT_ON);
  }
});

onEachMachine("emit() with ifZero jumps at a result of 0, and fails at an error", (arch) => {
  const prctl = (option: number) => (p: Program, there: Label) =>
    p.emit("prctl", [option, 1, 0, 0, 0], { ifZero: there });
  assertEquals(pathTaken(arch, prctl(PR_SET_DUMPABLE)), JUMPED);
  assertEquals(pathTaken(arch, prctl(-1)), failedWith(ERRNO.EINVAL));
});

onEachMachine("emit() with failIfZero reports errno 0 at a result of 0", (arch) => {
  const outcome = pathTaken(arch, (p) => p.emit("prctl", [PR_SET_DUMPABLE, 1, 0, 0, 0], { failIfZero: true }));
  assertEquals(outcome, failedWith(0));
});

/** Tells the low 32 bits of registers. */
function tell(p: Program, registers: readonly Reg[]): void {
  const message = words([MESSAGE.ASK, ...registers.map(() => 0)]);
  registers.forEach((register, k) => p.emit("store32", [register, new Within(message, 4 + 4 * k)]));
  p.emit("write", [SOCKET, message, message.bytes.length]);
}

/** What `tell` told. */
function told({ told }: { readonly told: readonly Uint8Array[] }): number[][] {
  return told.map((bytes) => [...new Int32Array(bytes.slice().buffer)]);
}

onEachMachine("emitInto() puts the result into its register", (arch) => {
  const outcome = run(arch, (p) => {
    const before = p.register("before"), error = p.register("error"), jumped = p.register("jumped");
    const there = p.label("there");
    p.emit("umask", [0o27]);
    p.emitInto(before, "umask", [0o22]);
    p.emitInto(error, "close", [-1], { ignore: "any" });
    p.emitInto(jumped, "close", [-1], { on: "EBADF", to: there });
    p.place(there);
    tell(p, [before, error, jumped]);
    exit(p, 0);
  });
  assertEquals(told(outcome), [[0o27, -ERRNO.EBADF, -ERRNO.EBADF]]);
});

onEachMachine("emit() takes all six arguments from registers", (arch) => {
  const outcome = run(arch, (p) => {
    const [fd, buffer, size, flags, address, length] = ["fd", "buffer", "size", "flags", "address", "length"]
      .map((name) => p.register(name)) as [Reg, Reg, Reg, Reg, Reg, Reg];
    const pair = words([-1, -1]), received = words([MESSAGE.ASK, 0]), addressLength = words([16]);
    p.emit("socketpair", [AF_UNIX, SOCK_SEQPACKET, 0, pair]);
    const one = p.emitInto(p.register("one"), "load32", [pair]);
    p.emitInto(fd, "load32", [new Within(pair, 4)]);
    p.emit("sendto", [one, words([77]), 4, 0, 0, 0]);
    p.addressOf(received, buffer);
    p.emitInto(buffer, "move", [new Within(received, 4)]);
    p.emitInto(size, "move", [4]);
    p.emitInto(flags, "move", [0]);
    p.addressOf(words([0, 0, 0, 0]), address);
    p.addressOf(addressLength, length);
    p.emit("recvfrom", [fd, buffer, size, flags, address, length]);
    p.emit("write", [SOCKET, received, 8]);
    tell(p, [p.emitInto(p.register("got"), "load32", [addressLength])]);
    exit(p, 0);
  });
  // the other end has no name: the kernel says so in the last argument
  assertEquals(told(outcome), [[77], [0]]);
});

onEachMachine("emit() of store32 and load32 carries signed words", (arch) => {
  const outcome = run(arch, (p) => {
    const memory = words([0, 0x12345678]), register = p.register("word");
    p.emit("store32", [-5, memory]);
    tell(p, [p.emitInto(register, "load32", [memory])]);
    const same = p.label("same");
    p.emit("jump_if_equal", [register, -5], { to: same });
    exit(p, 1);
    p.place(same);
    tell(p, [p.emitInto(register, "load32", [new Within(memory, 4)])]);
    exit(p, 0);
  });
  assertEquals(told(outcome), [[-5], [0x12345678]]);
  assertEquals(outcome.status, { code: 0 });
});

onEachMachine("emit() of move and jump_if_equal takes all 64 bits", (arch) => {
  const equal = (value: number | bigint, other: number | bigint) =>
    pathTaken(arch, (p, there) => {
      const register = p.register("value");
      p.emitInto(register, "move", [value]);
      p.emit("jump_if_equal", [register, other], { to: there });
    });
  assertEquals(equal(0x123456789abcdef0n, 0x123456789abcdef0n), JUMPED);
  assertEquals(equal(0x123456789abcdef0n, 0x9abcdef0n), WENT_ON);
  assertEquals(equal(0xffffffffffffffffn, -1), JUMPED);
  assertEquals(equal(2 ** 40, 1n << 40n), JUMPED);
  assertEquals(equal(-(2 ** 40), 0xffffff0000000000n), JUMPED);
});

onEachMachine("jump() goes back, too", (arch) => {
  const outcome = run(arch, (p) => {
    const begin = p.label("begin"), end = p.label("end"), seen = p.register("seen");
    p.emitInto(seen, "move", [0]);
    p.place(begin);
    p.emit("jump_if_equal", [seen, 1], { to: end });
    p.emitInto(seen, "move", [1]);
    p.jump(begin);
    p.place(end);
    exit(p, 9);
  });
  assertEquals(outcome.status, { code: 9 });
});

onEachMachine("hangUp() ends all reports", (arch) => {
  const outcome = run(arch, (p) => {
    p.hangUp();
    // takes the number that the socket had
    const file = p.openat2(AT_FDCWD, "/", { directory: true, resolve: "host" }, { ignore: "any" });
    p.emit("write", [file, "x", 1]);
  });
  assertEquals(outcome, { log: [], told: [], status: { code: 1 } });
});

onThisMachine("emit() makes a call again that a signal interrupts", async (arch) => {
  const p = new Program(arch);
  // with a time limit a read does not go on by itself after SIGCONT, signal(7)
  p.emit("setsockopt", [SOCKET, SOL_SOCKET, SO_RCVTIMEO, words([600, 0, 0, 0]), 16]);
  p.ask(1, "anything");
  exit(p, 5);
  using running = start(p);
  receive(running.socket, 16);
  await reaches(running.pid, "S");
  call("kill", running.pid, SIGSTOP);
  await reaches(running.pid, "T");
  call("kill", running.pid, SIGCONT);
  await reaches(running.pid, "S");
  send(running.socket, Uint8Array.of(1));
  assertEquals(running.finish(), { log: [], told: [], status: { code: 5 } });
});

/** Waits until the process is in this state of proc(5). */
async function reaches(pid: number, state: string): Promise<void> {
  for (;;) {
    const now = processStat(pid)?.state;
    if (now === state) return;
    if (now === undefined || now === "Z") throw new Error("the program has ended");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

onThisMachine("fsconfigString() sends what the kernel says before the report", (arch) => {
  const outcome = run(arch, (p) => {
    if (Deno.uid() !== 0) p.unshare(CLONE_NEWUSER | CLONE_NEWNS);
    const context = p.fsopen("tmpfs");
    p.fsconfigString(context, "nonsense", "1");
  });
  assertEquals(outcome.log.map((text) => text.trim()), ["e tmpfs: Unknown parameter 'nonsense'"]);
  assertEquals(outcome.failed?.errno, ERRNO.EINVAL);
});

onEachMachine("endOn() ends the program when the signal arrives", async (arch) => {
  const result = await run(arch, (p) => {
    p.endOn([SIGTERM]);
    const self = p.register("self");
    p.emitInto(self, "getpid", []);
    p.emit("kill", [self, SIGTERM]);
    exit(p, 3);
  });
  assertEquals(result, { log: [], told: [], status: { code: 128 + SIGTERM } });
});
