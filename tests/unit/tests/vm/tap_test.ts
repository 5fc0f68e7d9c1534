import { assertEquals } from "@std/assert";
import { parseTap } from "../../../vm/tap.ts";

const STREAM = String.raw`TAP version 14
# ./a.ts
ok 1 - a() does b
ok 2 - c() (skipped: no d) # SKIP
not ok 3 - e \# f
  ---
  {"message":"Error: x\nsecond line","severity":"fail","at":{"file":"./a.ts","line":3}}
  ...
# Subtest: steps
    ok 1 - s
    1..1
ok 4 - steps
1..4
`;

Deno.test("parseTap() reads what passed, failed and was skipped", () => {
  assertEquals(parseTap(STREAM), {
    results: [
      { name: "a() does b", outcome: "passed", message: "" },
      { name: "c() (skipped: no d)", outcome: "skipped", message: "" },
      { name: "e # f", outcome: "failed", message: "Error: x\nsecond line" },
      { name: "steps", outcome: "passed", message: "" },
    ],
    complete: true,
  });
});

Deno.test("parseTap() knows a stream that was cut short", () => {
  assertEquals(parseTap(STREAM.replace("1..4\n", "")).complete, false);
  assertEquals(parseTap(STREAM.replace("ok 4 - steps\n", "")).complete, false);
  assertEquals(parseTap("").complete, false);
});
