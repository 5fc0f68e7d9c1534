import { type HookContainer, type HookInputs, planHook } from "../../../../core/plan/hook.ts";
import { changed } from "../spec/config.ts";
import type { SeccompFilter } from "../../../../core/plan/seccomp.ts";
import { assertGolden, difference, planText } from "./golden.ts";
import { FACTS, FILTER } from "./inputs.ts";

const INPUTS: HookInputs = {
  hook: { path: "/usr/bin/notify", args: ["notify", "--now"], env: ["A=1"] },
  env: ["PATH=/bin"],
  facts: FACTS,
  stdio: [10, 11, 12],
  socket: 13,
};

Deno.test("planHook() plans a hook of the host", () => {
  assertGolden("hook", planText(planHook(INPUTS)));
});

const CONTAINER: HookContainer = {
  id: "box",
  noNewKeyring: false,
  init: 14,
  namespaces: ["user", "pid", "mount", "cgroup"],
  root: undefined,
  cgroup: { v1: [], v2: "/sys/fs/cgroup/box" },
};

Deno.test("planHook() plans a hook in the container, with the environment that it is given", () => {
  const inside: HookInputs = {
    ...INPUTS,
    hook: { path: "/usr/bin/notify" },
    container: CONTAINER,
    cwd: "/bundle/rootfs",
  };
  assertGolden("hook_inside", difference(planHook(INPUTS), planHook(inside)));
});

Deno.test("planHook() plans a hook with the rights of the container's process", () => {
  const spec = changed({ "process.user": { uid: 7, gid: 8 }, "process.cwd": "/home", "process.env": ["A=B"] });
  const { env: _, ...hook } = INPUTS.hook;
  const inside: HookInputs = {
    ...INPUTS,
    hook,
    container: { ...CONTAINER, namespaces: ["pid"], root: 15, confined: { spec, seccomp: undefined } },
  };
  assertGolden("hook_confined", difference(planHook(INPUTS), planHook(inside)));
});

Deno.test("planHook() plans a hook with the seccomp filter of the container's process", () => {
  const confined = (seccomp: SeccompFilter | undefined): HookInputs => ({
    ...INPUTS,
    container: { ...CONTAINER, namespaces: ["pid"], root: undefined, confined: { spec: changed({}), seccomp } },
  });
  assertGolden("hook_seccomp", difference(planHook(confined(undefined)), planHook(confined(FILTER))));
});
