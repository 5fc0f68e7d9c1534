import { assertEquals, assertThrows } from "@std/assert";
import { ioWeight, limitText, pidsText, swapOnly, weightOfShares } from "../../../../core/cgroup/conversions.ts";
import { RunoError } from "../../../../core/error.ts";

Deno.test("weightOfShares() meets both ends and the defaults", () => {
  const shares = [0, 1, 2, 3, 512, 1024, 2048, 262143, 262144, 300000];
  // worked out by hand from the formula
  assertEquals(shares.map(weightOfShares), [0, 1, 1, 2, 59, 100, 174, 10000, 10000, 10000]);
});

Deno.test("ioWeight() stretches 10 to 1000 to 1 to 10000", () => {
  assertEquals([0, 10, 100, 500, 1000].map(ioWeight), [0, 1, 910, 4950, 10000]);
});

Deno.test("swapOnly() takes memory off the limit for both", () => {
  assertEquals(swapOnly({ limit: 100, swap: 300 }), 200);
  assertEquals(swapOnly({ limit: 100, swap: 100 }), 0);
  assertEquals(swapOnly({ limit: 100 }), undefined);
  assertEquals(swapOnly({ limit: 100, swap: -1 }), -1);
  assertEquals(swapOnly({ limit: -1 }), -1);
  assertEquals(swapOnly({ limit: -1, swap: 5 }), 5);
});

Deno.test("swapOnly() refuses what contradicts itself, in runc's words", () => {
  const error = assertThrows(() => swapOnly({ swap: 5 }), RunoError, "unable to set swap limit without memory limit");
  assertEquals(error.kind, "invalid");
  assertThrows(() => swapOnly({ limit: 6, swap: 5 }), RunoError, "memory+swap limit should be >= memory limit");
});

Deno.test("limitText() and pidsText() write what the kernel calls no limit", () => {
  assertEquals([limitText(-1), limitText(4096), limitText(2 ** 63)], ["max", "4096", "9223372036854775808"]);
  assertEquals([pidsText(-1), pidsText(0), pidsText(7)], ["max", "1", "7"]);
});
