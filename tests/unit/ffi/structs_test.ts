import { assertEquals, assertThrows } from "@std/assert";

import * as structs from "../../../ffi/structs.ts";
import { Layout } from "../../../ffi/structs.ts";

/** Sizes in bytes as `sizeof` gives them on 64-bit Linux; those of the starts of larger structures are marked. */
const SIZES: Readonly<Record<string, number>> = {
  OPEN_HOW: 24,
  MOUNT_ATTR: 32,
  CLONE_ARGS: 88,
  RLIMIT64: 16,
  MSGHDR: 56,
  IOVEC: 16,
  CMSG_FD: 24,
  // 28 bytes, padded to the alignment of cmsg_len
  CMSG_CREDENTIALS: 32,
  POLLFD: 8,
  TIMESPEC: 16,
  WINSIZE: 8,
  CAP_HEADER: 8,
  CAP_DATA: 24,
  SCHED_ATTR: 48,
  // a start
  STATX: 144,
  // a start
  TERMIOS: 16,
  EHDR: 64,
  PHDR: 56,
};

for (const [name, size] of Object.entries(SIZES)) {
  Deno.test(`${name} has ${size} bytes`, () => {
    assertEquals((structs as unknown as Record<string, { size: number }>)[name]?.size, size);
  });
}

Deno.test("offset() is that of the kernel's headers", () => {
  const { STATX, MSGHDR, CLONE_ARGS, SCHED_ATTR, CMSG_FD, POLLFD } = structs;
  assertEquals(
    [STATX.offset("mode"), STATX.offset("rdev_major"), STATX.offset("dev_minor"), STATX.offset("size")],
    [28, 128, 140, 40],
  );
  assertEquals([MSGHDR.offset("iov"), MSGHDR.offset("control"), MSGHDR.offset("flags")], [16, 32, 48]);
  assertEquals([CLONE_ARGS.offset("exit_signal"), CLONE_ARGS.offset("cgroup")], [32, 80]);
  assertEquals([SCHED_ATTR.offset("nice"), SCHED_ATTR.offset("runtime")], [16, 24]);
  assertEquals([CMSG_FD.offset("type"), CMSG_FD.offset("fd")], [12, 16]);
  assertEquals(POLLFD.offset("revents"), 6);
});

const MIXED = new Layout({ a: "u8", b: "u16", c: "i32", d: "u64", e: "u8" });

Deno.test("Layout aligns each field to its size, and the whole to the largest", () => {
  assertEquals([MIXED.size, MIXED.offset("b"), MIXED.offset("c"), MIXED.offset("d"), MIXED.offset("e")], [
    ...[24, 2, 4, 8, 16],
  ]);
  assertThrows(() => MIXED.offset("f" as "a"), RangeError, 'no field "f"');
});

Deno.test("fieldAt() knows the first byte of a field alone", () => {
  assertEquals([MIXED.fieldAt(0), MIXED.fieldAt(1), MIXED.fieldAt(8)], ["a", undefined, "d"]);
});

Deno.test("pack() and read() are inverse", () => {
  const values = { a: 255, b: 65535, c: -2, d: 0xfedcba9876543210n, e: 1 };
  assertEquals(MIXED.read(MIXED.pack(values)), values);
  assertEquals(MIXED.read(MIXED.pack({})), { a: 0, b: 0, c: 0, d: 0n, e: 0 });
});

Deno.test("pack() is little endian", () => {
  assertEquals([...MIXED.pack({ b: 0x0102, c: 0x03040506 }).subarray(0, 8)], [0, 0, 2, 1, 6, 5, 4, 3]);
});

Deno.test("pack() takes u64 as number or bigint, below zero as two's complement", () => {
  const u64 = new Layout({ value: "u64" });
  const packed = (value: number | bigint) => u64.read(u64.pack({ value })).value;
  assertEquals(packed(-1), 0xffffffffffffffffn);
  assertEquals(packed(-100), 0xffffffffffffff9cn);
  assertEquals(packed(-1n), 0xffffffffffffffffn);
  assertEquals(packed(Number.MAX_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER));
  assertEquals(packed(0x100000000), 0x100000000n);
  assertEquals(packed(-0x100000001), 0xfffffffeffffffffn);
});

Deno.test("packInto() leaves what it is not told about", () => {
  const bytes = new Uint8Array(40).fill(9);
  MIXED.packInto(bytes, 8, { c: 0 });
  assertEquals([...bytes.subarray(8, 20)], [9, 9, 9, 9, 0, 0, 0, 0, 9, 9, 9, 9]);
  assertThrows(() => MIXED.packInto(bytes, 20, { c: 0 }), RangeError);
});
