import { assertEquals } from "@std/assert";
import { count, decimal, deviceLine, flatKeyed, idList, nestedKeyed } from "../../../../core/cgroup/text.ts";

Deno.test("decimal() writes all digits and stays within 64 bits", () => {
  assertEquals(decimal(100000), "100000");
  assertEquals(decimal(9223372036854771712), "9223372036854771712");
  assertEquals(decimal(2 ** 64), "18446744073709551615");
  assertEquals(decimal(-1), "-1");
});

Deno.test("count() reads numbers and max", () => {
  assertEquals([count("9223372036854771712\n"), count("max"), count("")], [9223372036854771712n, 2n ** 64n - 1n, 0n]);
  assertEquals(count("-1"), -1n);
});

Deno.test("flatKeyed() reads a line for each key", () => {
  assertEquals(
    flatKeyed("oom_kill_disable 0\nunder_oom 0\n\noom_kill 3\n"),
    new Map([
      ["oom_kill_disable", 0n],
      ["under_oom", 0n],
      ["oom_kill", 3n],
    ]),
  );
});

Deno.test("nestedKeyed() reads names with pairs", () => {
  assertEquals(
    nestedKeyed("8:0 rbytes=1 wbytes=2\n\n"),
    new Map([
      ["8:0", new Map([["rbytes", "1"], ["wbytes", "2"]])],
    ]),
  );
});

Deno.test("idList() reads single ids and ranges", () => {
  assertEquals([idList("0-2,7\n"), idList(""), idList("3")], [[0, 1, 2, 7], [], [3]]);
});

Deno.test("deviceLine() finds the line of one device", () => {
  assertEquals(deviceLine("8:0 5\n8:16 7\n", "8:16"), "7");
  assertEquals(deviceLine("8:160 7\n", "8:16"), undefined);
});
