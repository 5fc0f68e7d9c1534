import { type HookInputs, planHook } from "../../../../core/plan/hook.ts";
import { assertGolden, difference, planText } from "./golden.ts";

const INPUTS: HookInputs = {
  arch: "x86_64",
  hook: { path: "/usr/bin/notify", args: ["notify", "--now"], env: ["A=1"] },
  env: ["PATH=/bin"],
  stdin: 10,
  stdout: 11,
  stderr: 12,
  socket: 13,
};

Deno.test("planHook() plans a hook of the host", () => {
  assertGolden("hook", planText(planHook(INPUTS)));
});

Deno.test("planHook() plans a hook in the container, with the environment that it inherits", () => {
  const inside: HookInputs = {
    ...INPUTS,
    hook: { path: "/usr/bin/notify" },
    join: { pidfd: 14, user: true },
    cwd: "/bundle/rootfs",
  };
  assertGolden("hook_inside", difference(planHook(INPUTS), planHook(inside)));
});
