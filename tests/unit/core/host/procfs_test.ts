import { assertEquals } from "@std/assert";
import { isAlive, parseStat, processStat } from "../../../../core/host/procfs.ts";

Deno.test("parseStat() survives names with blanks and parentheses", () => {
  const tail = Array.from({ length: 17 }, (_, i) => i).join(" ");
  assertEquals(parseStat(`7 (a) R 1 (b c)) S 3 ${tail} 803899 0 0\n`), {
    comm: "a) R 1 (b c)",
    state: "S",
    ppid: 3,
    startTime: 803899,
  });
});

Deno.test("processStat() knows no process 0", () => {
  assertEquals(processStat(0), undefined);
});

Deno.test("isAlive() wants the same start time", () => {
  const startTime = processStat(Deno.pid)?.startTime ?? 0;
  assertEquals(isAlive(Deno.pid, startTime), true);
  assertEquals(isAlive(Deno.pid, startTime + 1), false);
});
