import { assertEquals, assertThrows } from "@std/assert";
import { changed, type ProcessFlags, subCgroups } from "../../../cli/exec_process.ts";
import { RunoError } from "../../../core/error.ts";
import type { Process } from "../../../core/spec/types.ts";

const NO_FLAGS: ProcessFlags = {
  process: undefined,
  cwd: undefined,
  env: [],
  tty: undefined,
  user: undefined,
  "additional-gids": [],
  "process-label": undefined,
  apparmor: undefined,
  "no-new-privs": undefined,
  cap: [],
};

const BASE: Process = {
  terminal: true,
  user: { uid: 1, gid: 2, additionalGids: [3] },
  args: ["sh"],
  env: ["A=1"],
  cwd: "/",
  noNewPrivileges: true,
  capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] },
};

function process(flags: Partial<ProcessFlags>, base = BASE): Process {
  return changed(base, ["ps"], { ...NO_FLAGS, ...flags });
}

Deno.test("changed() keeps the config's process but for its command and terminal", () => {
  assertEquals(process({}), { ...BASE, args: ["ps"], terminal: false });
});

Deno.test("changed() does what the flags say", () => {
  const flags = { cwd: "/tmp", env: ["B=2"], tty: true, "process-label": "l", apparmor: "p", "no-new-privs": false };
  assertEquals(process(flags), {
    ...BASE,
    args: ["ps"],
    terminal: true,
    cwd: "/tmp",
    env: ["A=1", "B=2"],
    selinuxLabel: "l",
    apparmorProfile: "p",
    noNewPrivileges: false,
  });
});

Deno.test("changed() adds groups and replaces ids", () => {
  const user = (flags: Partial<ProcessFlags>) => process(flags).user;
  assertEquals(user({ user: "5" }), { uid: 5, gid: 2, additionalGids: [3] });
  assertEquals(user({ user: "5:6" }), { uid: 5, gid: 6, additionalGids: [3] });
  assertEquals(user({ "additional-gids": ["7", "8"] }), { uid: 1, gid: 2, additionalGids: [3, 7, 8] });
});

Deno.test("changed() never takes half a number for an id", () => {
  for (const text of ["", ":5", "1abc", "-1", "4294967296", "4294967295", "0x0", "1:", "1:x", "1: 2", "root"]) {
    assertThrows(() => process({ user: text }), RunoError, "parsing");
  }
  assertThrows(() => process({ "additional-gids": ["-1"] }), RunoError, "parsing");
});

Deno.test("changed() gives capabilities, but none that are inherited", () => {
  const all = ["CAP_KILL", "CAP_CHOWN"];
  assertEquals(process({ cap: ["CAP_CHOWN"] }).capabilities, { bounding: all, effective: all, permitted: all });
  const inheriting: Process = { ...BASE, capabilities: { inheritable: ["CAP_KILL"] } };
  assertEquals(process({ cap: ["CAP_CHOWN"] }, inheriting).capabilities, {
    inheritable: ["CAP_KILL"],
    bounding: ["CAP_CHOWN"],
    effective: ["CAP_CHOWN"],
    permitted: ["CAP_CHOWN"],
    ambient: ["CAP_CHOWN"],
  });
});

Deno.test("subCgroups() reads one path for all or one for each controller", () => {
  assertEquals(subCgroups([]), undefined);
  assertEquals(subCgroups(["/"]), { "": "" });
  assertEquals(subCgroups(["a//b/"]), { "": "a/b" });
  assertEquals(subCgroups(["cpu,memory:x", "pids:y"]), { cpu: "x", memory: "x", pids: "y" });
});

Deno.test("subCgroups() does not lead out of the container's", () => {
  for (const path of ["..", "a/../..", "cpu:../x"]) {
    assertThrows(() => subCgroups([path]), RunoError, "bad sub cgroup path");
  }
  assertThrows(() => subCgroups(["a", "b"]), RunoError, "more than one");
});
