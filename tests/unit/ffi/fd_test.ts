import { assertEquals, assertThrows } from "@std/assert";

import { AT_FDCWD, O_CLOEXEC } from "../../../ffi/abi.ts";
import { call, tryCall } from "../../../ffi/call.ts";
import { duplicate, Fd } from "../../../ffi/fd.ts";

function openNull(): Fd {
  return new Fd(call("openat", AT_FDCWD, "/dev/null", O_CLOEXEC, 0));
}

Deno.test("Fd closes at the end of its block", () => {
  let number;
  {
    using fd = openNull();
    number = fd.number;
    assertEquals(tryCall("fcntl", number, 1), 1);
  }
  assertEquals(tryCall("fcntl", number, 1), "EBADF");
});

Deno.test("release() hands the descriptor over", () => {
  let number;
  {
    using fd = openNull();
    number = fd.release();
    assertThrows(() => fd.number, RangeError, "descriptor is closed");
    assertThrows(() => fd.release(), RangeError);
  }
  assertEquals(tryCall("close", number), 0);
});

Deno.test("duplicate() has a number from there on, and is inherited if asked", () => {
  const CLOEXEC = 1, F_GETFD = 1;
  using fd = openNull();
  using inherited = duplicate(fd.number, 200, true);
  using own = duplicate(fd.number, 200, false);
  assertEquals([inherited.number >= 200, own.number >= 200], [true, true]);
  assertEquals([call("fcntl", inherited.number, F_GETFD), call("fcntl", own.number, F_GETFD)], [0, CLOEXEC]);
});
