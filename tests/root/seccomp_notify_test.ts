/** SCMP_ACT_NOTIFY: system calls that an agent outside of the container decides about. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { SYSCALLS } from "../../ffi/abi.ts";
import { libseccompVersion } from "../../ffi/libseccomp.ts";
import { type Changes, map, namespaces, rootTest, type Sandbox, sandbox, succeeded, until } from "./harness.ts";
import { type Agent, startAgent } from "./support/agent.ts";
import { probe } from "./support/probe.ts";

const missing = libseccompVersion() === undefined && "it needs the package libseccomp2";

function notifyTest(name: string, run: () => Promise<void>): void {
  rootTest(name, run, missing);
}

const ENOMEDIUM = 123;
const MKDIRAT = SYSCALLS.mkdirat[Deno.build.arch === "aarch64" ? 1 : 0];

/** A profile that asks the agent about these calls, and otherwise allows. */
function asking(
  listenerPath: string | undefined,
  names: readonly string[],
  more: Record<string, unknown> = {},
): Changes {
  return {
    "linux.seccomp": {
      defaultAction: "SCMP_ACT_ALLOW",
      ...listenerPath === undefined ? {} : { listenerPath },
      syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
      ...more,
    },
  };
}

/** A program that asks about one call. */
function mkdirat(box: Sandbox): string {
  return probe(box, [["mkdirat", -100, "/tmp/x", 0o755]]);
}

const answering = { [MKDIRAT]: { error: ENOMEDIUM } };

for (const noNewPrivileges of [true, false]) {
  const nnp: Changes = { "process.noNewPrivileges": noNewPrivileges };
  const where = noNewPrivileges ? "with no_new_privs" : "without no_new_privs";

  notifyTest(`create() hands the listener and the state to the agent ${where}`, async () => {
    await using box = sandbox();
    await using agent = await startAgent(box);
    const pid = await box.create({
      ...nnp,
      ...asking(agent.socket, ["mkdirat"], { listenerMetadata: "some words" }),
      "process.args": ["true"],
      annotations: { "a.b": "c=d" },
    });
    const { ociVersion } = await box.state();
    assertEquals(agent.log().messages, [{
      ociVersion,
      fds: ["seccompFd"],
      pid,
      metadata: "some words",
      state: {
        ociVersion,
        id: box.id,
        status: "creating",
        pid,
        bundle: box.bundle,
        annotations: { "a.b": "c=d" },
      },
    }]);
    await box.ok("start", box.id);
    await box.reaches("stopped");
  });

  notifyTest(`run() lets the agent answer ${where}`, async () => {
    await using box = sandbox();
    await using agent = await startAgent(box, { [MKDIRAT]: { value: 0 } });
    const changes = { ...nnp, ...asking(agent.socket, ["mkdirat"]), "process.args": [mkdirat(box)] };
    assertEquals(succeeded(await box.run(changes)), "ok\n");
    assertEquals(agent.log().calls, [MKDIRAT]);
  });

  notifyTest(`exec() hands over a listener of its own ${where}`, async () => {
    await using box = sandbox();
    await using agent = await startAgent(box, answering);
    const init = await box.sleeping({ ...nnp, ...asking(agent.socket, ["mkdirat"]) });
    const { stdout } = await box.runo(["exec", "--pid-file", `${box.dir}/pid`, box.id, mkdirat(box)]);
    assertEquals(stdout, "another error\n");
    const pid = Number(Deno.readTextFileSync(`${box.dir}/pid`));
    const [, message] = agent.log().messages;
    const { state } = message;
    assertEquals([message.pid, message.metadata, state.status, state.pid], [pid, undefined, "running", init]);
    assertEquals(agent.log().calls, [MKDIRAT]);
  });

  notifyTest(`run() and exec() wait for the agent's leave for what they do themselves ${where}`, async () => {
    await using box = sandbox();
    await using agent = await startAgent(box);
    const own = ["execve", "openat", "open", "read", "close", "sendmsg", "munmap", "exit_group"];
    const changes = { ...nnp, ...asking(agent.socket, own), "process.args": ["sleep", "1000"] };
    await box.create(changes);
    await box.ok("start", box.id);
    await until(() => agent.log().calls.length > 1, "calls of the container");
    succeeded(await box.runo(["exec", box.id, "true"]));
    await box.ok("delete", "--force", box.id);
  });
}

notifyTest("start() hands over a listener for each startContainer hook, which gets no descriptor more", async () => {
  await using box = sandbox();
  await using agent = await startAgent(box);
  const script = "test $(ls /proc/self/fd | wc -l) -eq 4";
  succeeded(
    await box.run({
      ...asking(agent.socket, ["mkdirat"]),
      "hooks.startContainer": [{ path: "/bin/sh", args: ["sh", "-c", script] }],
    }),
  );
  assertEquals(agent.log().messages.map(({ state }) => state.status), ["creating", "created"]);
});

notifyTest("run() leaves the listener to the agent alone", async () => {
  await using box = sandbox();
  await using agent = await startAgent(box);
  const changes = asking(agent.socket, ["mkdirat"]);
  assertEquals(await box.shell("ls /proc/self/fd | wc -l", changes), "4\n");
  // when it ends nobody answers any more: the kernel does, by ENOSYS
  const wait = "until test -e /tmp/go; do sleep 0.02; done";
  await box.create({ ...changes, "process.args": ["sh", "-c", `${wait}; ${mkdirat(box)} >/tmp/out`] });
  await box.ok("start", box.id);
  await agent.kill();
  box.file("tmp/go", "");
  await box.reaches("stopped");
  assertEquals(Deno.readTextFileSync(`${box.rootfs}/tmp/out`), "ENOSYS\n");
});

notifyTest("create() fails where no agent listens, and leaves nothing", async () => {
  await using box = sandbox();
  const agentless = "failed to connect with seccomp agent specified in the seccomp profile";
  for (const path of [`${box.dir}/nobody.sock`, "@runo-test-nobody"]) {
    const line = await box.refused(asking(path, ["mkdirat"]));
    assertStringIncludes(line, `${agentless}: connect: E`);
  }
  assertEquals(box.leftovers(), []);
});

notifyTest("exec() fails where no agent listens any more, and the container goes on", async () => {
  await using box = sandbox();
  await using agent = await startAgent(box);
  await box.sleeping(asking(agent.socket, ["mkdirat"]));
  await agent.kill();
  const line = await box.fails(["exec", box.id, "true"], 255);
  assertStringIncludes(line, "failed to connect with seccomp agent");
  assertEquals(await box.status(), "running");
});

notifyTest("create() refuses profiles that could not work", async () => {
  await using box = sandbox();
  const socket = `${box.dir}/agent.sock`;
  assertMatch(await box.refused(asking(undefined, ["mkdirat"])), /listenerPath/);
  assertMatch(await box.refused(asking("", ["mkdirat"])), /listenerPath/);
  assertMatch(
    await box.refused(asking(socket, ["write"])),
    /SCMP_ACT_NOTIFY cannot be used for the write syscall/,
  );
  assertMatch(
    await box.refused({ "linux.seccomp": { defaultAction: "SCMP_ACT_NOTIFY", listenerPath: socket } }),
    /SCMP_ACT_NOTIFY cannot be used as default action/,
  );
});

notifyTest("run() does not look for the agent when no rule asks for it", async () => {
  await using box = sandbox();
  succeeded(await box.run(asking("/nonexistent", [], { syscalls: [] })));
});

notifyTest("run() in a user namespace hands the listener over", async () => {
  await using box = sandbox();
  await using agent: Agent = await startAgent(box, answering);
  const { stdout } = await box.run({
    ...asking(agent.socket, ["mkdirat"]),
    "process.args": [mkdirat(box)],
    "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "user"),
    "linux.uidMappings": [map(0, 100000, 65536)],
    "linux.gidMappings": [map(0, 100000, 65536)],
  });
  assertEquals(stdout, "another error\n");
  assert(agent.log().messages.length === 1);
});

for (const noNewPrivileges of [true, false]) {
  const where = noNewPrivileges ? "with no_new_privs" : "without no_new_privs";
  notifyTest(`run() of an ordinary user hands the listener over ${where}`, async () => {
    await using box = sandbox();
    await using agent = await startAgent(box, answering);
    box.configure({
      ...asking(agent.socket, ["mkdirat"]),
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      "process.args": [mkdirat(box)],
      "process.noNewPrivileges": noNewPrivileges,
      "linux.namespaces": namespaces("pid", "ipc", "uts", "mount", "user"),
      "linux.uidMappings": [map(0, 1000, 1)],
      "linux.gidMappings": [map(0, 1000, 1)],
      "linux.cgroupsPath": undefined,
      "linux.resources": undefined,
    });
    Deno.chmodSync(agent.socket, 0o777);
    await new Deno.Command("chown", { args: ["-R", "1000:1000", box.dir] }).output();
    const through = "setpriv --reuid 1000 --regid 1000 --clear-groups";
    assertEquals(succeeded(await box.runo(["run", "--bundle", box.bundle, box.id], { through })), "another error\n");
  });
}
