/** The systemd cgroup driver, where systemd is pid 1. */

import { assertEquals, assertMatch } from "@std/assert";
import { type Changes, rootTest, type Sandbox, sandbox, succeeded, until } from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";

const SLICE = "runo-test.slice";

/** A sandbox whose containers are in a slice of the tests. */
function systemdSandbox(changes: Changes = {}): Sandbox {
  const box: Sandbox = sandbox();
  box.configure({ "linux.cgroupsPath": `${SLICE}:t:${box.id}`, "process.args": ["sleep", "1000"], ...changes });
  return box;
}

function unit(box: Sandbox): string {
  return `t-${box.id}.scope`;
}

/** A property of the sandbox' unit, as systemctl shows it. */
async function property(box: Sandbox, name: string): Promise<string> {
  const { stdout } = await execute(["systemctl", "show", "--value", `--property=${name}`, unit(box)]);
  return stdout.trim();
}

function cgroupFile(box: Sandbox, file: string): string {
  return Deno.readTextFileSync(`/sys/fs/cgroup/runo.slice/${SLICE}/${unit(box)}/${file}`).trim();
}

/** The names of the device filters that are attached to the unit's cgroup. */
async function deviceFilters(box: Sandbox): Promise<string[]> {
  const path = `/sys/fs/cgroup/runo.slice/${SLICE}/${unit(box)}`;
  const stdout = succeeded(await execute(["bpftool", "--json", "cgroup", "show", path]), "bpftool");
  const programs: { attach_type: string; name: string }[] = JSON.parse(stdout);
  return programs.filter(({ attach_type }) => attach_type === "cgroup_device").map(({ name }) => name).sort();
}

async function create(box: Sandbox): Promise<void> {
  await box.ok("--systemd-cgroup", "create", "--bundle", box.bundle, box.id);
}

/** Nothing of the unit is left, not even the memory of its failure. */
async function assertNoUnit(box: Sandbox): Promise<void> {
  await until(async () => (await property(box, "LoadState")) === "not-found", `no unit ${unit(box)}`);
}

rootTest("create() has systemd make a scope with init in it", async () => {
  await using box = systemdSandbox();
  await create(box);
  const pid = await box.pid();
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/cgroup`), `0::/runo.slice/${SLICE}/${unit(box)}\n`);
  assertEquals(box.stateFile().cgroup_paths, { "": `/sys/fs/cgroup/runo.slice/${SLICE}/${unit(box)}` });
  assertEquals(await property(box, "ActiveState"), "active");
  assertEquals(await property(box, "Slice"), SLICE);
  assertEquals(await property(box, "Delegate"), "yes");
  assertEquals(await property(box, "Description"), `runo container ${box.id}`);
  await box.ok("delete", box.id);
  await assertNoUnit(box);
});

/** What may have happened before a container is used. */
const EVENTS: Readonly<Record<string, { before?: (box: Sandbox) => Promise<void>; after?: () => Promise<void> }>> = {
  "": {},
  "after daemon-reload": { after: async () => void succeeded(await execute(["systemctl", "daemon-reload"])) },
  "where a failed unit had the name": { before: (box) => failedUnit(unit(box)) },
};

for (const [when, { before, after }] of Object.entries(EVENTS)) {
  rootTest(`start(), exec(), update(), kill() and delete() know of systemd by themselves ${when}`.trim(), async () => {
    await using box = systemdSandbox({ "linux.resources.memory": { limit: 64 << 20 } });
    await before?.(box);
    await create(box);
    await after?.();
    await box.ok("start", box.id);
    assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), "0::/\n");
    await box.ok("update", "--memory", "96M", "--pids-limit", "33", box.id);
    assertEquals([await property(box, "MemoryMax"), await property(box, "TasksMax")], ["100663296", "33"]);
    assertEquals([cgroupFile(box, "memory.max"), cgroupFile(box, "pids.max")], ["100663296", "33"]);
    await after?.();
    assertEquals([cgroupFile(box, "memory.max"), cgroupFile(box, "pids.max")], ["100663296", "33"]);
    await box.ok("kill", box.id, "KILL");
    await box.reaches("stopped");
    await box.ok("delete", box.id);
    await assertNoUnit(box);
  });
}

rootTest("create() tells systemd of the limits, and sets them itself", async () => {
  await using box = systemdSandbox({
    "linux.resources.memory": { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
    "linux.resources.cpu": { shares: 2048, quota: 25_000, period: 50_000, cpus: "0" },
    "linux.resources.pids": { limit: 77 },
    "linux.resources.unified": { "memory.high": "50331648", "memory.oom.group": "1" },
  });
  await create(box);
  const properties: Record<string, string> = {
    MemoryMax: "67108864",
    MemoryLow: "33554432",
    MemorySwapMax: "33554432",
    MemoryHigh: "50331648",
    CPUWeight: "174",
    CPUQuotaPerSecUSec: "500ms",
    CPUQuotaPeriodUSec: "50ms",
    AllowedCPUs: "0",
    TasksMax: "77",
    DevicePolicy: "strict",
  };
  for (const [name, value] of Object.entries(properties)) assertEquals(await property(box, name), value, name);
  const files: Record<string, string> = {
    "memory.max": "67108864",
    "memory.low": "33554432",
    "memory.swap.max": "33554432",
    "memory.high": "50331648",
    "memory.oom.group": "1",
    "cpu.weight": "174",
    "cpu.max": "25000 50000",
    "cpuset.cpus": "0",
    "pids.max": "77",
  };
  for (const [file, value] of Object.entries(files)) assertEquals(cgroupFile(box, file), value, file);
  assertMatch(await property(box, "DeviceAllow"), /^\/dev\/char\/1:3 rwm$/m);
});

rootTest("daemon-reload leaves limits and devices as they are", async () => {
  await using box = systemdSandbox({
    "process.args": ["sh", "-c", "while :; do echo x > /dev/null || exit 9; done"],
    "linux.resources.memory": { limit: 64 << 20 },
    "linux.resources.pids": { limit: 77 },
    "linux.resources.hugepageLimits": [{ pageSize: "2MB", limit: 4 << 20 }],
  });
  await create(box);
  await box.ok("start", box.id);
  const filters = ["runo_devices", "sd_devices"];
  assertEquals(await deviceFilters(box), filters);
  for (let i = 0; i < 3; i++) {
    succeeded(await execute(["systemctl", "daemon-reload"]), "daemon-reload");
    assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), "0::/\n");
  }
  assertEquals(await deviceFilters(box), filters);
  assertEquals(cgroupFile(box, "memory.max"), "67108864");
  assertEquals(cgroupFile(box, "pids.max"), "77");
  assertEquals(cgroupFile(box, "hugetlb.2MB.max"), "4194304");
  assertEquals(await box.status(), "running");
  await box.ok("delete", "--force", box.id);
  await assertNoUnit(box);
});

rootTest("create() frees a name that a failed unit holds", async () => {
  await using box = systemdSandbox();
  await failedUnit(unit(box));
  assertEquals(await property(box, "ActiveState"), "failed");
  await create(box);
  assertEquals(await property(box, "ActiveState"), "active");
  await box.ok("delete", "--force", box.id);
  await assertNoUnit(box);
});

/** Leaves a failed scope in systemd's memory: one that the kernel had to kill for want of memory. */
async function failedUnit(name: string): Promise<void> {
  const { code } = await execute([
    ...["systemd-run", "--quiet", "--scope", `--unit=${name}`, "--property=MemoryMax=8M", "--property=MemorySwapMax=0"],
    ...["tail", "/dev/zero"],
  ]);
  assertMatch(String(code), /^(137|143)$/);
  await until(async () => {
    const { stdout } = await execute(["systemctl", "is-failed", name]);
    return stdout.trim() === "failed";
  }, `failed unit ${name}`);
}

rootTest("create() refuses a name that a living unit holds, and leaves that alone", async () => {
  await using first = systemdSandbox();
  await create(first);
  await using second = sandbox();
  second.configure({ "linux.cgroupsPath": `${SLICE}:t:${first.id}`, "process.args": ["true"] });
  const error = await second.fails(["--systemd-cgroup", "create", "--bundle", second.bundle, second.id]);
  assertMatch(error, new RegExp(`starting systemd unit "${unit(first)}": .*already`));
  assertEquals(second.leftovers(), []);
  assertEquals(await first.status(), "created");
  assertEquals(await property(first, "ActiveState"), "active");
});

rootTest("delete() removes the unit of a container that was killed for want of memory", async () => {
  await using box = systemdSandbox({
    "process.args": ["tail", "/dev/zero"],
    "linux.resources.memory": { limit: 8 << 20, swap: 8 << 20 },
  });
  await create(box);
  await box.ok("start", box.id);
  await box.reaches("stopped");
  await box.ok("delete", box.id);
  await assertNoUnit(box);
});

rootTest("create() gives the unit the properties that annotations name", async () => {
  await using box = systemdSandbox({
    annotations: {
      "org.systemd.property.CollectMode": "'inactive-or-failed'",
      "org.systemd.property.TimeoutStopSec": "uint32 7",
      "org.systemd.property.Before": "['shutdown.target']",
    },
  });
  await create(box);
  assertEquals(await property(box, "CollectMode"), "inactive-or-failed");
  assertEquals(await property(box, "TimeoutStopUSec"), "7s");
  assertMatch(await property(box, "Before"), /shutdown\.target/);
});

rootTest("create() says which property systemd does not take", async () => {
  await using box = systemdSandbox({ annotations: { "org.systemd.property.NoSuchThing": "true" } });
  const error = await box.fails(["--systemd-cgroup", "create", "--bundle", box.bundle, box.id]);
  assertMatch(error, new RegExp(`starting systemd unit .*${unit(box)}.*NoSuchThing`));
  await assertNoUnit(box);
});

rootTest("create() without cgroupsPath makes runc-ID.scope in system.slice", async () => {
  await using box = systemdSandbox({ "linux.cgroupsPath": undefined });
  await create(box);
  assertEquals(
    Deno.readTextFileSync(`/proc/${await box.pid()}/cgroup`),
    `0::/system.slice/runc-${box.id}.scope\n`,
  );
});

rootTest("create() makes a slice of a name that ends in .slice", async () => {
  await using box = systemdSandbox();
  const slice = `t-${box.id.replace("-", "")}.slice`;
  box.configure({ "linux.cgroupsPath": `system.slice::${slice}`, "process.args": ["sleep", "1000"] });
  await create(box);
  assertEquals(Deno.readTextFileSync(`/proc/${await box.pid()}/cgroup`), `0::/t.slice/${slice}\n`);
  await box.ok("start", box.id);
  assertEquals(await box.ok("exec", box.id, "cat", "/proc/self/cgroup"), "0::/\n");
  await box.ok("delete", "--force", box.id);
  const { stdout } = await execute(["systemctl", "show", "--value", "--property=ActiveState", slice]);
  assertEquals(stdout, "inactive\n");
});

rootTest("create() refuses a cgroupsPath that names no unit", async () => {
  await using box = systemdSandbox({ "linux.cgroupsPath": "/a/b" });
  const error = await box.fails(["--systemd-cgroup", "create", "--bundle", box.bundle, box.id]);
  assertMatch(error, /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/a\/b"/);
});

rootTest("create() that fails later leaves no unit behind", async () => {
  await using box = systemdSandbox({ "process.args": ["/no/such/program"] });
  await box.fails(["--systemd-cgroup", "create", "--bundle", box.bundle, box.id]);
  await assertNoUnit(box);
  assertEquals(box.leftovers(), []);
});

rootTest("create() starts with one process allowed, and with 512 KiB of memory", async () => {
  await using box = systemdSandbox({
    "process.args": ["true"],
    "linux.resources.pids": { limit: 1 },
    "linux.resources.memory": { limit: 512 << 10, swap: 512 << 10 },
  });
  assertEquals(await box.runo(["--systemd-cgroup", "run", "--bundle", box.bundle, box.id]), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  await assertNoUnit(box);
});

rootTest("update() tells systemd too, and only what is new", async () => {
  await using box = systemdSandbox({
    "linux.resources.memory": { limit: 64 << 20 },
    "linux.resources.cpu": { quota: 25_000, period: 50_000, cpus: "0-1" },
  });
  await create(box);
  await box.ok("update", "--memory", "96M", "--cpu-quota", "12345", "--pids-limit", "20", "--cpuset-cpus", "1", box.id);
  assertEquals(await property(box, "MemoryMax"), String(96 << 20));
  assertEquals(await property(box, "TasksMax"), "20");
  assertEquals(await property(box, "AllowedCPUs"), "1");
  assertEquals(await property(box, "CPUQuotaPerSecUSec"), "250ms");
  assertEquals(cgroupFile(box, "memory.max"), String(96 << 20));
  assertEquals(cgroupFile(box, "cpu.max"), "12345 50000");
  assertEquals(cgroupFile(box, "cpuset.cpus"), "1");
  // 0 means 1, and would be "infinity" to systemd
  await box.ok("update", "--pids-limit", "0", box.id);
  assertEquals([await property(box, "TasksMax"), cgroupFile(box, "pids.max")], ["1", "1"]);
  // a change behind systemd's back stays: it hears nothing of a limit that is the same
  Deno.writeTextFileSync(`/sys/fs/cgroup/runo.slice/${SLICE}/${unit(box)}/pids.max`, "33");
  await box.ok("update", "--memory", "96M", "--blkio-weight", "0", box.id);
  assertEquals(cgroupFile(box, "pids.max"), "33");
});

rootTest("update() that fails leaves systemd with the old limits", async () => {
  await using box = systemdSandbox({ "linux.resources.memory": { limit: 64 << 20 } });
  await create(box);
  await box.fails(["update", "--memory", "96M", "--cpuset-cpus", "0-5000", box.id]);
  assertEquals(await property(box, "MemoryMax"), String(64 << 20));
  assertEquals(cgroupFile(box, "memory.max"), String(64 << 20));
});
