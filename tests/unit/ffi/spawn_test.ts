import { assertEquals, assertThrows } from "@std/assert";

import { SIGKILL } from "../../../ffi/abi.ts";
import { call, SyscallError } from "../../../ffi/call.ts";
import {
  exitStatus,
  pidfdOpen,
  pidfdSignal,
  poll,
  reap,
  reapIfEnded,
  shellCode,
  spawn,
  waitEnded,
} from "../../../ffi/spawn.ts";
import { socketPair } from "../../../ffi/socket.ts";

Deno.test("spawn() starts a program with these arguments and this environment alone", () => {
  const script = 'test "$1" = "one two" && test "$NAME" = value && test -z "$HOME" && exit 7';
  const pid = spawn("/bin/sh", ["sh", "-c", script, "sh", "one two"], ["NAME=value"]);
  assertEquals(reap(pid), { code: 7 });
});

Deno.test("spawn() throws what keeps the program from being executed", () => {
  const error = assertThrows(() => spawn("/nonexistent", ["x"], []), SyscallError);
  assertEquals(error.message, "execve: ENOENT");
});

Deno.test("reap() tells how a child ended, once", () => {
  const pid = spawn("/bin/sh", ["sh", "-c", "kill -9 $$"], []);
  assertEquals(reap(pid), { signal: SIGKILL });
  assertEquals(reap(pid), undefined);
});

Deno.test("reapIfEnded() does not wait", () => {
  const pid = spawn("/bin/sleep", ["sleep", "100"], []);
  assertEquals(reapIfEnded(pid), undefined);
  using pidfd = pidfdOpen(pid);
  assertEquals(waitEnded(pidfd, 0), false);
  pidfdSignal(pidfd, SIGKILL);
  assertEquals(waitEnded(pidfd, -1), true);
  assertEquals(reapIfEnded(pid), { signal: SIGKILL });
});

Deno.test("pidfdOpen() throws ESRCH where there is no process", () => {
  const pid = spawn("/bin/true", ["true"], []);
  reap(pid);
  assertThrows(() => pidfdOpen(pid), SyscallError, "pidfd_open: ESRCH");
});

Deno.test("exitStatus() and shellCode() read what wait4 wrote", () => {
  assertEquals([exitStatus(0), exitStatus(3 << 8), exitStatus(9), exitStatus(0x80 | 11)], [
    { code: 0 },
    { code: 3 },
    { signal: 9 },
    { signal: 11 },
  ]);
  assertEquals([shellCode({ code: 3 }), shellCode({ signal: 9 })], [3, 137]);
});

Deno.test("poll() says which descriptor is ready", () => {
  const POLLIN = 1;
  const [one, other] = socketPair();
  using left = one;
  using right = other;
  call("write", left.number, Uint8Array.of(1), 1);
  assertEquals(poll([[left.number, POLLIN], [right.number, POLLIN], [-1, POLLIN]], 0), [0, POLLIN, 0]);
});
