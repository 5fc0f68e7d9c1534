import { assertEquals, assertThrows } from "@std/assert";

import { RunoError } from "../../../core/error.ts";
import { askFeatures, needFeatures } from "../../../criu/features.ts";
import { FakeCriu } from "./support/fake_criu.ts";

function answering(features: Record<string, boolean> | undefined): FakeCriu {
  const response = { type: "FEATURE_CHECK", success: true, ...features === undefined ? {} : { features } };
  return new FakeCriu({ answers: { FEATURE_CHECK: [response] } });
}

function need(criu: FakeCriu): string[] {
  const said: string[] = [];
  needFeatures({ path: criu.path, version: 40000 }, ["memTrack", "lazyPages"], (message) => said.push(message));
  return said;
}

Deno.test("needFeatures() asks only for what is needed", () => {
  using criu = answering({ memTrack: true, lazyPages: true });
  assertEquals(need(criu), []);
  assertEquals(criu.asked().map(({ request }) => request), [
    { type: "FEATURE_CHECK", features: { memTrack: true, lazyPages: true } },
  ]);
});

Deno.test("needFeatures() goes on when an answer is missing", () => {
  for (const features of [undefined, {}, { pidfdStore: false }]) {
    using criu = answering(features as Record<string, boolean> | undefined);
    assertEquals(need(criu), []);
  }
});

Deno.test("needFeatures() refuses what CRIU says is missing, with runc's words", () => {
  using criu = answering({ memTrack: false, lazyPages: false });
  const said: string[] = [];
  const ask = () =>
    needFeatures({ path: criu.path, version: 40000 }, ["memTrack", "lazyPages"], (message) => said.push(message));
  assertThrows(ask, RunoError, "criu is missing features: [MemTrack LazyPages]");
  assertEquals(said, ["CRIU does not support MemTrack", "CRIU does not support LazyPages"]);
});

Deno.test("askFeatures() tells a missing answer from a no", () => {
  using criu = answering({ memTrack: false });
  const criuOf = { path: criu.path, version: 40000 };
  assertEquals(askFeatures(criuOf, ["memTrack"]), { memTrack: false, lazyPages: undefined, pidfdStore: undefined });
});
