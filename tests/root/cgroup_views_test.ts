// Hosts with v1 alone and with v2 alone: this machine, seen from mount namespaces where the other is not mounted.
import { assert, assertEquals } from "@std/assert";
import { failed, namespaces, rootTest, type Sandbox, sandbox, sleep, succeeded } from "./harness.ts";
import { cgroupFile, deviceFilters } from "./support/cgroups.ts";

const V1 = "umount /sys/fs/cgroup/unified";
// of the controllers it has hugetlb alone: the others are with v1
const V2 = "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup";

/** The executable in one of these views. */
function inView(box: Sandbox, mounts: string) {
  return {
    ok: async (...args: string[]) => succeeded(await box.runo(args, { mounts }), args.join(" ")),
    fails: async (...args: string[]) => failed(await box.runo(args, { mounts })),
  };
}

async function started(box: Sandbox, view: ReturnType<typeof inView>): Promise<number> {
  await view.ok("create", "--bundle", box.bundle, box.id);
  await view.ok("start", box.id);
  return JSON.parse(await view.ok("state", box.id)).pid;
}

function paths(pid: number): Map<string, string> {
  return new Map(
    Deno.readTextFileSync(`/proc/${pid}/cgroup`).trimEnd().split("\n").map((line) => {
      const [, controller = "", path = ""] = line.split(":");
      return [controller, path] as const;
    }),
  );
}

rootTest("on a host with v1 alone a container has no place in v2", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const view = inView(box, V1);
  const pid = await started(box, view);
  assertEquals(paths(pid).get("pids"), box.cgroup);
  assertEquals(box.stateFile().cgroup_paths[""], undefined);
  await view.ok("pause", box.id);
  await view.ok("resume", box.id);
  assertEquals(await view.ok("exec", box.id, "echo", "here"), "here\n");
  await view.ok("delete", "--force", box.id);
});

rootTest("on a host with v1 alone kill --all stops those that fork while they are killed", async () => {
  const forks = "while :; do sleep 0.01 & sleep 0.01; done";
  await using box = sandbox({
    "linux.namespaces": namespaces("mount", "uts", "ipc"),
    "process.args": ["sh", "-c", `(${forks}) & (${forks}) & ${forks}`],
  });
  const view = inView(box, V1);
  await started(box, view);
  const pids = () => cgroupFile(box, "devices/cgroup.procs").split("\n").filter((line) => line !== "");
  while (pids().length < 4) await sleep(10);
  await view.ok("kill", "--all", box.id, "KILL");
  await view.ok("delete", "--force", box.id);
  assertEquals(box.leftovers(), []);
});

rootTest("on a host with v2 alone a container has one cgroup, and sees it as the root", async () => {
  await using box = sandbox({ "process.args": ["sleep", "1000"] });
  const view = inView(box, V2);
  const pid = await started(box, view);
  assertEquals(paths(pid).get(""), box.cgroup);
  assertEquals(box.stateFile().cgroup_paths, { "": `/sys/fs/cgroup${box.cgroup}` });
  const script = "cat /proc/self/cgroup | tail -n 1; cat /sys/fs/cgroup/cgroup.procs | head -n 1; " +
    "grep ' /sys/fs/cgroup ' /proc/self/mounts";
  const [own, first, mount] = (await view.ok("exec", box.id, "sh", "-c", script)).split("\n");
  assertEquals([own, first], ["0::/", "1"]);
  assert(mount?.startsWith("cgroup /sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec"), mount);
  await view.ok("pause", box.id);
  assertEquals(JSON.parse(await view.ok("state", box.id)).status, "paused");
  assert(cgroupFile(box, "unified/cgroup.events").includes("frozen 1"));
  await view.ok("resume", box.id);
  await view.ok("kill", "--all", box.id, "KILL");
  await view.ok("delete", "--force", box.id);
});

rootTest("on a host with v2 alone limits are set in v2, and those that it has not are refused", async () => {
  await using box = sandbox({
    "process.args": ["sleep", "1000"],
    "linux.resources": {
      hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
      unified: { "cgroup.max.depth": "3" },
      devices: [{ allow: false, access: "rwm" }],
    },
  });
  const view = inView(box, V2);
  await started(box, view);
  const files = () =>
    ["hugetlb.2MB.max", "hugetlb.2MB.rsvd.max", "cgroup.max.depth"].map((name) => cgroupFile(box, `unified/${name}`));
  assertEquals(files(), ["4194304", "4194304", "3"]);
  const resources = `${box.dir}/resources.json`;
  const write = (value: unknown) => Deno.writeTextFileSync(resources, JSON.stringify(value));
  write({ hugepageLimits: [{ pageSize: "2MB", limit: 8388608 }], unified: { "cgroup.max.depth": "max" } });
  await view.ok("update", "--resources", resources, box.id);
  assertEquals(files(), ["8388608", "8388608", "max"]);
  const refused = async (value: unknown, phrase: string) => {
    write(value);
    const line = await view.fails("update", "--resources", resources, box.id);
    assert(line.includes(phrase), line);
    assertEquals(files(), ["8388608", "8388608", "max"]);
  };
  const hugepageLimits = [{ pageSize: "2MB", limit: 2097152 }];
  await refused({ hugepageLimits, memory: { limit: 1 } }, 'controller "memory" not available');
  await refused({ hugepageLimits, unified: { "pids.max": "5" } }, 'unified resource "pids.max" can\'t be set');
  await refused({ hugepageLimits, unified: { nodot: "5" } }, "must be in the form CONTROLLER.PARAMETER");
  await refused({ hugepageLimits, unified: { "cgroup.max.depth": "x" } }, 'unable to set unified resource "cgroup.max');
  await view.ok("delete", "--force", box.id);
});

rootTest("on a host with v2 alone devices are kept by a filter, one whatever is updated", async () => {
  const capabilities = ["CAP_MKNOD", "CAP_DAC_OVERRIDE"];
  await using box = sandbox({
    "process.args": ["sleep", "1000"],
    "process.capabilities": { bounding: capabilities, effective: capabilities, permitted: capabilities },
    "linux.devices": [{ path: "/dev/other", type: "c", major: 1, minor: 11, fileMode: 0o666 }],
    "linux.resources.devices": [
      { allow: false, access: "rwm" },
      { allow: true, type: "c", major: 1, minor: 2, access: "m" },
    ],
  });
  const view = inView(box, V2);
  await started(box, view);
  const sh = async (script: string) => (await view.ok("exec", box.id, "sh", "-c", script)).trimEnd().split("\n");
  // /dev/kmsg is on no list; /dev/null and /dev/zero are on that of every container
  assertEquals(
    await sh(
      "cat /dev/other 2>&1 | tail -n 1; echo x > /dev/null && echo written; head -c 3 /dev/zero | wc -c; " +
        "mknod /tmp/mem c 1 2 && echo made; cat /tmp/mem 2>&1 | tail -n 1",
    ),
    [
      "cat: can't open '/dev/other': Operation not permitted",
      "written",
      "3",
      "made",
      "cat: can't open '/tmp/mem': Operation not permitted",
    ],
  );
  for (const depth of ["3", "4", "5"]) {
    Deno.writeTextFileSync(`${box.dir}/r.json`, JSON.stringify({ unified: { "cgroup.max.depth": depth } }));
    await view.ok("update", "--resources", `${box.dir}/r.json`, box.id);
  }
  assertEquals(deviceFilters(`/sys/fs/cgroup/unified${box.cgroup}`), 1);
  await view.ok("delete", "--force", box.id);
});
