// The list of devices that a container may use, on v1.
import { assert, assertEquals } from "@std/assert";
import type { DeviceRule } from "../../core/spec/types.ts";
import { rootTest, sandbox } from "./harness.ts";
import { cgroupFile } from "./support/cgroups.ts";

const DEFAULTS = [
  "b *:* m",
  "c *:* m",
  "c 1:3 rwm",
  "c 1:5 rwm",
  "c 1:7 rwm",
  "c 1:8 rwm",
  "c 1:9 rwm",
  "c 5:0 rwm",
  "c 5:2 rwm",
  "c 10:200 rwm",
  "c 136:* rwm",
];

const DENY: DeviceRule = { allow: false, access: "rwm" };

function devices(...rules: DeviceRule[]) {
  return { "linux.resources.devices": rules };
}

rootTest("create() allows the devices of the config and those of every container", async () => {
  await using box = sandbox(devices(DENY, { allow: true, type: "c", major: 1, minor: 11, access: "r" }));
  await box.create();
  const lines = cgroupFile(box, "devices/devices.list").split("\n");
  assertEquals(lines.toSorted(), [...DEFAULTS, "c 1:11 r"].toSorted());
});

rootTest("create() lets later rules take away from earlier ones", async () => {
  const rules: DeviceRule[] = [
    { allow: true, access: "rwm" },
    DENY,
    { allow: true, type: "b", major: 7, minor: 0, access: "rwm" },
    { allow: false, type: "b", major: 7, minor: 0, access: "w" },
  ];
  await using box = sandbox(devices(...rules));
  await box.create();
  const lines = cgroupFile(box, "devices/devices.list").split("\n");
  assertEquals(lines.filter((line) => line.startsWith("b 7:")), ["b 7:0 rm"]);
});

rootTest("create() allows all devices where the config does", async () => {
  await using box = sandbox(devices({ allow: true, access: "rwm" }));
  await box.create();
  assertEquals(cgroupFile(box, "devices/devices.list"), "a *:* rwm");
});

rootTest("create() refuses a rule that v1 would ignore", async () => {
  await using box = sandbox();
  const rules: DeviceRule[] = [
    DENY,
    { allow: true, type: "c", major: 1, access: "rw" },
    { allow: false, type: "c", major: 1, minor: 11, access: "w" },
  ];
  const line = await box.refused(devices(...rules));
  assert(line.includes('device rule "c 1:11 w" makes a hole in "c 1:* rw"'), line);
});

rootTest("a container cannot open a device that is not on its list", async () => {
  const capabilities = ["CAP_MKNOD", "CAP_DAC_OVERRIDE"];
  await using box = sandbox({
    "process.capabilities": { bounding: capabilities, effective: capabilities, permitted: capabilities },
    ...devices(DENY),
  });
  const script = "mknod /tmp/kmsg c 1 11 && cat /tmp/kmsg 2>&1; echo x > /dev/null && echo written";
  assertEquals(await box.shell(script), "cat: can't open '/tmp/kmsg': Operation not permitted\nwritten\n");
});

rootTest("update() never touches the devices", async () => {
  await using box = sandbox(devices(DENY));
  await box.create();
  // what another program has allowed
  Deno.writeTextFileSync(`/sys/fs/cgroup/devices${box.cgroup}/devices.allow`, "c 1:11 r", { create: false });
  Deno.writeTextFileSync(`${box.dir}/r.json`, JSON.stringify({ devices: [DENY], pids: { limit: 9 } }));
  await box.ok("update", "--resources", `${box.dir}/r.json`, box.id);
  assertEquals(cgroupFile(box, "pids/pids.max"), "9");
  assert(cgroupFile(box, "devices/devices.list").split("\n").includes("c 1:11 r"));
});
