/** AppArmor profiles and SELinux labels. What needs one of the two is tested where it is on: in a virtual machine. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { hasAppArmor, hasSELinux } from "../../core/host/lsm.ts";
import { type Changes, rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";

const LABEL = "system_u:system_r:container_t:s0";

rootTest("run() refuses an AppArmor profile where AppArmor is off", async () => {
  await using box = sandbox();
  assertMatch(
    await box.refused({ "process.apparmorProfile": "some-profile" }),
    /applying AppArmor profile .*some-profile.* through `\/proc\/self\/attr\/exec`: write: EINVAL \(AppArmor is off; /,
  );
  assertEquals(box.leftovers(), []);
}, hasAppArmor() && "AppArmor is on");

rootTest("exec() refuses an AppArmor profile where AppArmor is off", async () => {
  await using box = sandbox();
  await box.sleeping();
  assertStringIncludes(await box.fails(["exec", "--apparmor", "x", box.id, "true"], 255), "`/proc/self/attr/exec`");
  assertEquals(await box.status(), "running");
}, hasAppArmor() && "AppArmor is on");

const disabled = "selinux label is specified in config, but selinux is disabled or not supported";

rootTest("run() and exec() refuse a SELinux label where SELinux is off", async () => {
  await using box = sandbox();
  assertStringIncludes(await box.refused({ "process.selinuxLabel": LABEL }), disabled);
  assertEquals(box.leftovers(), []);
  await box.sleeping({ "process.selinuxLabel": undefined });
  assertStringIncludes(await box.fails(["exec", "--process-label", LABEL, box.id, "true"], 255), disabled);
}, hasSELinux() && "SELinux is on");

rootTest("run() names the file system that takes no mountLabel where SELinux is off", async () => {
  await using box = sandbox();
  const line = await box.refused({ "linux.mountLabel": LABEL });
  assertMatch(line, /mounting .*tmpfs.* at .*\/dev.*: fsconfig: EINVAL \(tmpfs: Unknown parameter 'context'/);
}, hasSELinux() && "SELinux is on");

/** Loads a profile that allows everything but to read one file; `using` takes it away. */
function loadProfile(name: string): Disposable {
  const text = `profile ${name} flags=(attach_disconnected,mediate_deleted) {
    file, network, capability, mount, umount, pivot_root, signal, ptrace, unix, dbus,
    deny /tmp/secret r,
  }
`;
  const file = Deno.makeTempFileSync({ prefix: "runo-test-profile-" });
  Deno.writeTextFileSync(file, text);
  const parser = (...args: string[]) => {
    const { success, stderr } = new Deno.Command("apparmor_parser", { args: [...args, file] }).outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  parser("--skip-cache", "--replace");
  return {
    [Symbol.dispose]: () => {
      parser("--remove");
      Deno.removeSync(file);
    },
  };
}

const off = !hasAppArmor() && "AppArmor is off";
const SECRET = "cat /proc/self/attr/current; cat /tmp/secret 2>&1";

/** A sandbox whose container has a file to be read. */
function secretBox(): Sandbox {
  const box = sandbox();
  box.file("tmp/secret", "readable\n");
  return box;
}

for (const noNewPrivileges of [true, false]) {
  const where = noNewPrivileges ? "with no_new_privs" : "without no_new_privs";
  rootTest(`run() and exec() confine by the AppArmor profile ${where}`, async () => {
    await using box = secretBox();
    using _profile = loadProfile(box.id);
    const changes: Changes = {
      "process.apparmorProfile": box.id,
      "process.noNewPrivileges": noNewPrivileges,
      "process.user": { uid: 1000, gid: 1000 },
    };
    const confined = (text: string) => {
      assertStringIncludes(text, `${box.id} (enforce)`);
      assertStringIncludes(text, "Permission denied");
    };
    confined(succeeded(await box.run({ ...changes, "process.args": ["sh", "-c", `${SECRET}; true`] })));
    await box.sleeping(changes);
    confined(await box.ok("exec", box.id, "sh", "-c", `${SECRET}; true`));
  }, off);
}

rootTest("exec() takes a profile of its own", async () => {
  await using box = secretBox();
  using _profile = loadProfile(box.id);
  await box.sleeping({ "process.apparmorProfile": "unconfined" });
  assertStringIncludes(await box.ok("exec", box.id, "sh", "-c", SECRET), "readable");
  const { stdout } = await box.runo(["exec", "--apparmor", box.id, box.id, "sh", "-c", SECRET]);
  assertStringIncludes(stdout, "Permission denied");
}, off);

rootTest("start() confines startContainer hooks by the profile", async () => {
  await using box = secretBox();
  using _profile = loadProfile(box.id);
  const hooks = [{ path: "/bin/sh", args: ["sh", "-c", "test ! -r /tmp/secret || ! cat /tmp/secret"] }];
  succeeded(await box.run({ "process.apparmorProfile": box.id, "hooks.startContainer": hooks }));
}, off);

rootTest("run() names an AppArmor profile that is not loaded", async () => {
  await using box = sandbox();
  assertMatch(
    await box.refused({ "process.apparmorProfile": "no-such-profile" }),
    /applying AppArmor profile .*no-such-profile.*: write: ENOENT \(the profile is not loaded; /,
  );
}, off);
