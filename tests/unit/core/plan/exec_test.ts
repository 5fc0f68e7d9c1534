import { type ExecInputs, planExec } from "../../../../core/plan/exec.ts";
import { changed, type Changes } from "../spec/config.ts";
import { assertGolden, difference, planText } from "./golden.ts";
import { FACTS, FILTER } from "./inputs.ts";

function execInputs(changes: Changes = {}, others: Partial<ExecInputs> = {}): ExecInputs {
  return {
    id: "box",
    noNewKeyring: false,
    root: undefined,
    spec: changed({ "process.terminal": false, ...changes }),
    namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"],
    facts: FACTS,
    cgroup: { v1: [], v2: "/sys/fs/cgroup/box" },
    seccomp: undefined,
    keepFds: 0,
    socket: 3,
    init: 4,
    extraEnv: [],
    ...others,
  };
}

Deno.test("planExec() plans the default process", () => {
  assertGolden("exec", planText(planExec(execInputs())));
});

/** What is different, by name. */
const CASES: readonly (readonly [name: string, changes: Changes, others?: Partial<ExecInputs>])[] = [
  ["exec_terminal", { "process.terminal": true, "process.consoleSize": { height: 10, width: 110 } }],
  ["exec_user_namespace", {}, { namespaces: ["user", "pid", "mount"] }],
  ["exec_no_namespaces", {}, { namespaces: [], root: 5, cgroup: { v1: ["/sys/fs/cgroup/memory/box"], v2: undefined } }],
  ["exec_systemd_of_a_user", {}, {
    namespaces: ["user", "pid", "mount"],
    cgroup: { v1: [], v2: undefined, asking: "parent" },
  }],
  ["exec_labels", { "process.apparmorProfile": "profile", "process.selinuxLabel": "a:b:c:s0" }],
  ["exec_seccomp", {}, { seccomp: FILTER }],
  ["exec_seccomp_notify", { "process.noNewPrivileges": false }, { seccomp: { ...FILTER, notifies: true } }],
  ["exec_user", { "process.user": { uid: 7, gid: 8, umask: 0o77 }, "process.oomScoreAdj": 5 }],
];

for (const [name, changes, others] of CASES) {
  Deno.test(`planExec() plans ${name.slice("exec_".length).replaceAll("_", " ")}`, () => {
    assertGolden(name, difference(planExec(execInputs()), planExec(execInputs(changes, others))));
  });
}
