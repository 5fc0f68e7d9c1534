import { assertThrows } from "@std/assert";
import { assertBetween, type Samples } from "../../../peer/runc/events.ts";

function differs(samples: Samples, phrase: string): void {
  assertThrows(() => assertBetween(samples), Error, phrase);
}

Deno.test("assertBetween() takes counters that go on, and gauges that stay near", () => {
  const sample = (total: number, usage: number) => ({ data: { cpu: { total }, memory: { usage: { usage } } } });
  const before = sample(5, 1 << 20), after = sample(7, 1 << 20);
  assertBetween({ before, between: sample(6, 3 << 19), after });
  differs({ before, between: sample(8, 1 << 20), after }, "data.cpu.total: 8, not between 5 and 7");
  differs({ before, between: sample(6, 5 << 20), after }, "data.memory.usage.usage: 5242880, not between");
});

Deno.test("assertBetween() looks at names and their order, lists and what is left out", () => {
  const before = { a: 1, b: 2, list: [1] };
  differs({ before, between: { b: 2, a: 1, list: [1] }, after: before }, ": not in the order a,b,list");
  differs({ before, between: { ...before, c: 0 }, after: before }, "c: one too many");
  differs({ before, between: { a: 1, b: 2 }, after: before }, "list: missing");
  differs({ before: { a: 0 }, between: {}, after: { a: 0 } }, "a: missing");
  differs({ before, between: { a: 1, list: [1] }, after: before }, "b: 0, not between 2 and 2");
  differs({ before, between: { ...before, list: [] }, after: before }, "list: [], not between [1] and [1]");
  differs({ before, between: { ...before, a: "1" }, after: before }, 'a: "1", not between 1 and 1');
  // a counter that begins between two samples, and pressure that runc 1.1 does not know
  assertBetween({ before, between: { ...before, c: 1, psi: {} }, after: { ...before, c: 2 } });
  assertBetween({ before: {}, between: { a: { b: 1 } }, after: {} }, ["a"]);
});
