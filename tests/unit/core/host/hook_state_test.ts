import { assertEquals } from "@std/assert";

import { hookState } from "../../../../core/host/hook_state.ts";

const PARTS = { id: "box", status: "creating", pid: 7, bundle: "/bundle", annotations: undefined } as const;

Deno.test("hookState() has the keys of the specification, and none that say nothing", () => {
  assertEquals(
    JSON.stringify(hookState(PARTS)),
    '{"ociVersion":"1.3.0","id":"box","status":"creating","pid":7,"bundle":"/bundle"}',
  );
  assertEquals(hookState({ ...PARTS, annotations: {} }), hookState(PARTS));
});

Deno.test("hookState() has annotations as they are, and no pid of a process that is gone", () => {
  const state = hookState({ ...PARTS, status: "stopped", pid: 0, annotations: { "a.b": "c=d" } });
  assertEquals(state, {
    ociVersion: "1.3.0",
    id: "box",
    status: "stopped",
    bundle: "/bundle",
    annotations: { "a.b": "c=d" },
  });
});
