import { assertEquals, assertStringIncludes } from "@std/assert";

import { namespaces, rootTest, sandbox } from "./harness.ts";

/** The bits of these capabilities as /proc/self/status has them. */
const NUMBERS = {
  CAP_CHOWN: 0,
  CAP_KILL: 5,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
  CAP_AUDIT_WRITE: 29,
  CAP_SYSLOG: 34,
} as const;
type Name = keyof typeof NUMBERS;

function bits(...names: readonly Name[]): string {
  return names.reduce((all, name) => all | 1n << BigInt(NUMBERS[name]), 0n).toString(16).padStart(16, "0");
}

const SETS = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

rootTest("run() sets the five capability sets", async () => {
  await using box = sandbox();
  const sets = async (capabilities: unknown, changes = {}) => {
    const text = await box.shell("grep Cap /proc/self/status", { "process.capabilities": capabilities, ...changes });
    return SETS.map((name) => new RegExp(`${name}:\\s*(\\S+)`).exec(text)?.[1]);
  };
  const all: Name[] = ["CAP_CHOWN", "CAP_KILL", "CAP_SYSLOG"];
  const user = { "process.user": { uid: 1000, gid: 1000 }, "process.noNewPrivileges": false };
  const none = bits();
  assertEquals(await sets({ bounding: all, permitted: all, effective: all }), [
    none,
    bits(...all),
    bits(...all),
    bits(...all),
    none,
  ]);
  assertEquals(await sets({}), [none, none, none, none, none]);
  assertEquals(await sets(undefined), [none, none, none, none, none]);
  const ambient = { bounding: all, permitted: all, effective: all, inheritable: all, ambient: ["CAP_KILL"] };
  assertEquals(await sets(ambient, user), [
    bits(...all),
    bits("CAP_KILL"),
    bits("CAP_KILL"),
    bits(...all),
    bits("CAP_KILL"),
  ]);
  // without the ambient set a user that is not root has none once it executes
  assertEquals(await sets({ bounding: all, permitted: all, effective: all, inheritable: all }, user), [
    bits(...all),
    none,
    none,
    bits(...all),
    none,
  ]);
});

rootTest("run() warns of ambient capabilities that are not inheritable, and goes without", async () => {
  await using box = sandbox({ "process.user": { uid: 1000, gid: 1000 }, "process.noNewPrivileges": false });
  const all: Name[] = ["CAP_CHOWN", "CAP_KILL"];
  const { code, stdout, stderr } = await box.run({
    "process.args": ["grep", "CapAmb", "/proc/self/status"],
    "process.capabilities": { bounding: all, permitted: all, effective: all, inheritable: ["CAP_KILL"], ambient: all },
  });
  assertEquals([code, stdout.trim().split(/\s+/)[1]], [0, bits("CAP_KILL")]);
  assertStringIncludes(stderr, "level=warning");
  assertStringIncludes(stderr, "can't raise ambient capability CAP_CHOWN: it is not inheritable");
});

rootTest("run() ignores capabilities that nobody knows", async () => {
  await using box = sandbox();
  const names = ["CAP_CHOWN", "CAP_NO_SUCH"];
  const { code, stdout } = await box.run({
    "process.args": ["grep", "CapEff", "/proc/self/status"],
    "process.capabilities": { bounding: names, permitted: names, effective: names },
  });
  assertEquals([code, stdout.trim().split(/\s+/)[1]], [0, bits("CAP_CHOWN")]);
});

rootTest("run() sets capabilities of the task itself, whatever /proc it sees", async () => {
  await using box = sandbox();
  const names: Name[] = ["CAP_CHOWN", "CAP_AUDIT_WRITE"];
  const before = Deno.readTextFileSync("/proc/1/status").match(/Cap.*/g);
  const changes = {
    mounts: [{ destination: "/proc", source: "/proc", options: ["rbind"] }],
    "linux.maskedPaths": [],
    "linux.readonlyPaths": [],
    "linux.namespaces": namespaces("pid", "mount", "ipc", "uts", "network"),
    "process.capabilities": { bounding: names, permitted: names, effective: names },
  };
  // the shell's own number is of another namespace than this /proc: found by the cgroup
  const pid = await box.sleeping(changes);
  assertEquals(/CapEff:\s*(\S+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1], bits(...names));
  assertEquals(Deno.readTextFileSync("/proc/1/status").match(/Cap.*/g), before);
});

rootTest("run() sets no_new_privs", async () => {
  await using box = sandbox();
  const seen = (value: boolean) =>
    box.shell("grep NoNewPrivs /proc/self/status | tr -d '\\t'", { "process.noNewPrivileges": value });
  assertEquals(await seen(true), "NoNewPrivs:1\n");
  assertEquals(await seen(false), "NoNewPrivs:0\n");
});

rootTest("exec --cap adds no inheritable capability", async () => {
  await using box = sandbox();
  await box.sleeping();
  const text = await box.ok("exec", "--cap", "CAP_SYSLOG", box.id, "grep", "Cap", "/proc/self/status");
  const value = (name: string) => new RegExp(`${name}:\\s*(\\S+)`).exec(text)?.[1];
  const base: Name[] = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  assertEquals(SETS.map(value), [
    bits(),
    bits(...base, "CAP_SYSLOG"),
    bits(...base, "CAP_SYSLOG"),
    bits(...base, "CAP_SYSLOG"),
    bits(),
  ]);
});
