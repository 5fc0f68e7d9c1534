/** SELinux labels of processes, keyrings and mounts, where a policy is loaded and enforced: that of selinux.cil. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { KEYCTL_GET_SECURITY } from "../../../ffi/abi.ts";
import {
  type Changes,
  map,
  namespaces,
  rootTest,
  RUNO,
  type Sandbox,
  sandbox,
  succeeded,
  until,
} from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";
import { writeKeyringProbe } from "../../root/support/probes.ts";

const PLACE = "/sys/fs/selinux";
/** Compiled where the machine was made. */
const POLICY = "/payload/selinux.policy";

const process = (type: string) => `system_u:system_r:${type}:s0:c1,c2`;
const HOST = "system_u:system_r:host_t:s0";
const CONTAINER = process("container_t");
const OTHER = "system_u:system_r:other_t:s0";
/** With a comma, which separates mount options as well. */
const FILES = "system_u:object_r:container_file_t:s0:c1,c2";
const CURRENT = ["cat", "/proc/self/attr/current"];

/** Mounts selinuxfs, and loads the policy if there is none. What was there before the tests has the kernel's label. */
async function provide(what: "selinuxfs" | "policy"): Promise<void> {
  const isMounted = () => Deno.readTextFileSync("/proc/self/mounts").includes(` ${PLACE} `);
  if (!isMounted()) succeeded(await execute(["mount", "-t", "selinuxfs", "selinuxfs", PLACE]));
  const isLoaded = unterminated(Deno.readTextFileSync("/proc/self/attr/current")) !== "kernel";
  if (what === "policy" && !isLoaded) Deno.writeFileSync(`${PLACE}/load`, Deno.readFileSync(POLICY));
}

/** A test with the policy loaded. */
function labelTest(name: string, run: () => Promise<void>): void {
  rootTest(name, async () => {
    await provide("policy");
    await run();
  });
}

/** The kernel ends labels with a null byte. */
function unterminated(text: string): string {
  return text.replace(/\0+$/, "");
}

async function runc(box: Sandbox, ...args: readonly string[]): Promise<string> {
  const words = ["/usr/sbin/runc", "--root", box.root, ...args];
  return succeeded(await execute(words, { cwd: box.bundle }), args.join(" "));
}

// the first of all: a policy cannot be unloaded
rootTest("without a policy SELinux is off", async () => {
  await provide("selinuxfs");
  await using box = sandbox();
  assertStringIncludes(await box.ok("check"), "SELinux is off");
  assertStringIncludes(
    await box.refused({ "process.selinuxLabel": CONTAINER }),
    "selinux is disabled or not supported",
  );
});

labelTest("check() says that SELinux is on", async () => {
  await using box = sandbox({ "process.selinuxLabel": CONTAINER, "linux.mountLabel": FILES });
  assertStringIncludes(await box.ok("check", "--bundle", box.bundle), "SELinux is on");
});

labelTest("run() and exec() give the label with no_new_privs, exec() another one if asked", async () => {
  await using box = sandbox({
    "process.selinuxLabel": CONTAINER,
    "process.noNewPrivileges": true,
    "process.user": { uid: 1000, gid: 1000 },
  });
  const pid = await box.sleeping();
  const init = () => unterminated(Deno.readTextFileSync(`/proc/${pid}/attr/current`));
  await until(() => init() !== HOST, "the program");
  assertEquals(init(), CONTAINER);
  const label = async (...args: readonly string[]) => unterminated(await box.ok("exec", ...args));
  assertEquals(await label(box.id, ...CURRENT), CONTAINER);
  assertEquals(await label("--process-label", OTHER, box.id, ...CURRENT), OTHER);
  // a file without a label is no way out
  const file = `${box.dir}/process.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ args: CURRENT, cwd: "/", env: ["PATH=/bin"] }));
  assertEquals(await label("--process", file, box.id), CONTAINER);
  assertMatch(
    await box.fails(["exec", "--process-label", process("missing_t"), box.id, "true"], 255),
    /"system_u:system_r:missing_t:.*EINVAL \(the policy does not know the label; /,
  );
  assertStringIncludes(
    await box.fails(["exec", "--process-label", process("gaining_t"), box.id, "true"], 255),
    "exec true: operation not permitted",
  );
});

labelTest(
  "run() gives a label that may not have no_new_privs without it, in the words of runc if with it",
  async () => {
    await using box = sandbox({ "process.selinuxLabel": process("gaining_t"), "process.args": CURRENT });
    const without = await box.run({ "process.noNewPrivileges": false });
    assertEquals(unterminated(succeeded(without)), process("gaining_t"));
    const { code, stderr } = await box.run({ "process.noNewPrivileges": true });
    assertEquals([code, stderr], [1, "exec cat: operation not permitted\n"]);
  },
);

labelTest("run() confines: what the host may read, the label may not", async () => {
  await using box = sandbox({ "process.args": ["cat", "/secret"] });
  box.file("secret", "readable\n");
  succeeded(await execute(["chcon", "system_u:object_r:secret_t:s0", `${box.rootfs}/secret`]));
  assertEquals(succeeded(await box.run()), "readable\n");
  const { code, stderr } = await box.run({ "process.selinuxLabel": CONTAINER });
  assertEquals([code, stderr], [1, "cat: can't open '/secret': Permission denied\n"]);
});

labelTest("run() gives the session keyring the label", async () => {
  await using box = sandbox({ "process.args": ["/keyring"], "process.selinuxLabel": CONTAINER });
  writeKeyringProbe(`${box.rootfs}/keyring`, KEYCTL_GET_SECURITY);
  assertEquals(unterminated(succeeded(await box.run())), CONTAINER);
});

labelTest("startContainer hooks have the label, those of the host have not", async () => {
  await using box = sandbox({ "process.selinuxLabel": CONTAINER });
  const log = `${box.dir}/log`;
  Deno.writeTextFileSync(log, "");
  box.file(log, "");
  const phases = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];
  const hooks = phases.map((phase) => {
    const script = `echo ${phase} $(cat /proc/self/attr/current | tr -d '\\0') >>${log}`;
    return [`hooks.${phase}`, [{ path: "/bin/sh", args: ["sh", "-c", script] }]];
  });
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: log, type: "bind", source: log, options: ["bind"] },
  ];
  succeeded(await box.run({ mounts, ...Object.fromEntries(hooks) }));
  const expected = phases.map((phase) => `${phase} ${phase === "startContainer" ? CONTAINER : HOST}`);
  assertEquals(Deno.readTextFileSync(log).trimEnd().split("\n").sort(), expected.sort());
});

/** Where labels may be seen: mounts, those that cover something, and a device. */
const PLACES =
  "bin dev dev/null dev/pts dev/shm dev/mqueue mnt proc proc/acpi proc/kcore sys sys/firmware sys/fs/cgroup";

/** The mounts of a process with their contexts, and the labels of what is there. */
async function labels(pid: number): Promise<string[]> {
  const mounts = Deno.readTextFileSync(`/proc/${pid}/mounts`).trimEnd().split("\n").map((line) => {
    const [, place, type, options] = line.split(" ");
    return `${place} ${type} ${/context="[^"]*"/.exec(options!)?.[0] ?? ""}`;
  });
  const root = `/proc/${pid}/root/`;
  const stat = ["stat", "--format", "%n %C", ...PLACES.split(" ").map((place) => root + place)];
  const files = succeeded(await execute(stat)).trimEnd().replaceAll(root, "").split("\n");
  return [...new Set([...mounts, ...files])].sort();
}

const USER_NAMESPACE: Changes = {
  "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "cgroup", "user"),
  "linux.uidMappings": [map(0, 100_000, 1000)],
  "linux.gidMappings": [map(0, 100_000, 1000)],
};

for (const [where, more] of [["of the host", {}], ["of its own", USER_NAMESPACE]] as const) {
  labelTest(`create() labels mounts as runc does, in a user namespace ${where}`, async () => {
    await using box = sandbox({ "process.selinuxLabel": CONTAINER, "linux.mountLabel": FILES, ...more });
    const spec = JSON.parse(Deno.readTextFileSync(`${box.bundle}/config.json`));
    const bind = { destination: "/mnt", type: "bind", source: box.rootfs, options: ["bind"] };
    const own = await labels(await box.create({ mounts: [...spec.mounts, bind] }));
    await box.ok("delete", box.id, "--force");
    await runc(box, "create", box.id);
    const theirs = await labels(JSON.parse(await runc(box, "state", box.id)).pid);
    await runc(box, "delete", "--force", box.id);
    assertEquals(own, theirs);
    const context = `context="${FILES}"`;
    const expected = [`/dev tmpfs ${context}`, `/dev/pts devpts ${context}`, `/dev/shm tmpfs ${context}`];
    for (const line of [...expected, `dev/mqueue ${FILES}`, `proc/acpi ${FILES}`]) assert(own.includes(line), line);
    for (const line of ["/proc proc ", "/mnt ext4 ", "/dev/mqueue mqueue "]) assert(own.includes(line), line);
  });
}

labelTest("run() names a label that the policy does not know, and leaves nothing behind", async () => {
  await using box = sandbox();
  assertMatch(
    await box.refused({ "process.selinuxLabel": process("missing_t") }),
    /setting SELinux label .*missing_t.*: write: EINVAL \(the policy does not know the label; config\.json \/process\/selinuxLabel\)/,
  );
  assertEquals(box.leftovers(), []);
  assertMatch(
    await box.refused({ "linux.mountLabel": "system_u:object_r:missing_t:s0" }),
    /mounting .*tmpfs.* at .*\/dev.* with the label .*missing_t.*: EINVAL \(the policy does not know the label; config\.json \/linux\/mountLabel\)/,
  );
  assertEquals(box.leftovers(), []);
});

labelTest("run() says when the policy does not allow it to give a label", async () => {
  await using box = sandbox({ "process.selinuxLabel": CONTAINER });
  const powerless = async (...args: readonly string[]) => {
    const words = [RUNO, "--root", box.root, "run", "--bundle", box.bundle, ...args, box.id];
    const script = 'printf %s "$0" > /proc/self/attr/exec; exec "$@"';
    return (await execute(["sh", "-c", script, process("powerless_t"), ...words])).stderr;
  };
  const denied = /`\/proc\/self\/attr\/(\w+)`: write: EACCES \(the policy does not allow runo to give it; /;
  assertEquals(denied.exec(await powerless())?.[1], "keycreate");
  assertEquals(denied.exec(await powerless("--no-new-keyring"))?.[1], "exec");
  assertEquals(box.leftovers(), []);
});
