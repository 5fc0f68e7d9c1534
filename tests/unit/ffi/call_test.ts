import { assert, assertEquals, assertThrows } from "@std/assert";

import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from "../../../ffi/abi.ts";
import { call, callWaiting, SyscallError, tryCall } from "../../../ffi/call.ts";
import { allocate } from "../../../ffi/memory.ts";

Deno.test("call() gives the result", () => {
  const fd = call("openat", AT_FDCWD, "/dev/zero", O_RDONLY | O_CLOEXEC, 0);
  const bytes = allocate(4).fill(7);
  assertEquals(call("read", fd, bytes, 3), 3);
  assertEquals([...bytes], [0, 0, 0, 7]);
  assertEquals(call("close", fd), 0);
});

Deno.test("call() throws a SyscallError that names call, arguments and errno", () => {
  const error = assertThrows(() => call("openat", AT_FDCWD, "/nonexistent", O_RDONLY, 0), SyscallError);
  assertEquals([error.syscall, error.errno, error.message], ["openat", "ENOENT", "openat: ENOENT"]);
  assertEquals(error.args, [AT_FDCWD, "/nonexistent", O_RDONLY, 0]);
});

Deno.test("call() takes integers of 64 bits, and nothing", () => {
  // pid 0 is this process; the old limit goes to the last argument
  const old = allocate(16);
  assertEquals(call("prlimit64", 0n, 7, null, old), 0);
  assert(new BigUint64Array(old.buffer)[0]! > 0n);
});

Deno.test("tryCall() gives the name of the errno", () => {
  assertEquals(tryCall("close", -1), "EBADF");
  assertEquals(tryCall("openat", AT_FDCWD, "/nonexistent", O_RDONLY, 0), "ENOENT");
  assertEquals(tryCall("umask", 0o22), Deno.umask(0o22));
});

Deno.test("callWaiting() lets timers go on", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const half = allocate(16);
  new BigUint64Array(half.buffer)[1] = 50_000_000n;
  assertEquals(await callWaiting("ppoll", null, 0, half, 0, 8), 0);
  clearInterval(timer);
  assert(ticks > 0);
});
