// What needs controllers of v1 that an ordinary machine of today has not mounted any more.
import { assert, assertEquals } from "@std/assert";
import { namespaces, rootTest, type Sandbox, sandbox } from "../../root/harness.ts";
import { cgroupFile, cgroupFiles } from "../../root/support/cgroups.ts";

const PLAIN = namespaces("pid", "network", "ipc", "uts", "mount");

async function update(box: Sandbox, resources: unknown): Promise<void> {
  Deno.writeTextFileSync(`${box.dir}/resources.json`, JSON.stringify(resources));
  await box.ok("update", "--resources", `${box.dir}/resources.json`, box.id);
}

rootTest("v1: create() sets limits of controllers that are mounted together", async () => {
  await using box = sandbox({
    "linux.resources": {
      network: { classID: 1048577, priorities: [{ name: "lo", priority: 7 }] },
      cpu: { shares: 512, mems: "0" },
      memory: { limit: 33554432, swap: 67108864 },
      hugepageLimits: [{ pageSize: "2MB", limit: 4194304 }],
      pids: { limit: 9 },
    },
  });
  await box.sleeping();
  const expected = {
    "net_cls/net_cls.classid": "1048577",
    "cpu/cpu.shares": "512",
    "cpuset/cpuset.mems": "0",
    "memory/memory.limit_in_bytes": "33554432",
    "memory/memory.memsw.limit_in_bytes": "67108864",
    "hugetlb/hugetlb.2MB.limit_in_bytes": "4194304",
    "hugetlb/hugetlb.2MB.rsvd.limit_in_bytes": "4194304",
    "pids/pids.max": "9",
  };
  assertEquals(cgroupFiles(box, expected), expected);
  assert(cgroupFile(box, "net_prio/net_prio.ifpriomap").split("\n").includes("lo 7"));
  await update(box, {
    network: { classID: 5, priorities: [{ name: "lo", priority: 2 }] },
    cpu: { shares: 300, mems: "0-1" },
    hugepageLimits: [{ pageSize: "2MB", limit: 6291456 }],
    pids: { limit: 10 },
  });
  const changed = {
    ...expected,
    "net_cls/net_cls.classid": "5",
    "cpu/cpu.shares": "300",
    "cpuset/cpuset.mems": "0-1",
    "hugetlb/hugetlb.2MB.limit_in_bytes": "6291456",
    "hugetlb/hugetlb.2MB.rsvd.limit_in_bytes": "6291456",
    "pids/pids.max": "10",
  };
  assertEquals(cgroupFiles(box, changed), changed);
  assert(cgroupFile(box, "net_prio/net_prio.ifpriomap").split("\n").includes("lo 2"));
  const { data } = JSON.parse(await box.ok("events", "--stats", box.id));
  assertEquals(Object.keys(data.hugetlb), ["1GB", "2MB"]);
});

rootTest("v1: update() takes back priorities when one cannot be set", async () => {
  await using box = sandbox({ "linux.resources.network": { priorities: [{ name: "lo", priority: 7 }] } });
  await box.create();
  const priorities = [{ name: "lo", priority: 3 }, { name: "nowhere", priority: 3 }];
  Deno.writeTextFileSync(`${box.dir}/resources.json`, JSON.stringify({ network: { priorities } }));
  const line = await box.fails(["update", "--resources", `${box.dir}/resources.json`, box.id]);
  assert(line.includes('there is no network interface "nowhere"'), line);
  assert(cgroupFile(box, "net_prio/net_prio.ifpriomap").split("\n").includes("lo 7"));
});

rootTest("v1: state.json has the directory for each controller of several", async () => {
  await using box = sandbox();
  await box.create();
  const { cpu, cpuacct, net_cls, net_prio, "": v2 } = box.stateFile().cgroup_paths;
  const both = `/sys/fs/cgroup/cpu,cpuacct${box.cgroup}`, net = `/sys/fs/cgroup/net_cls,net_prio${box.cgroup}`;
  assertEquals([cpu, cpuacct, net_cls, net_prio, v2], [both, both, net, net, undefined]);
});

for (const types of [PLAIN, [...PLAIN, { type: "cgroup" }]]) {
  const kind = types.length === PLAIN.length ? "without" : "with";
  rootTest(
    `v1: a container ${kind} a cgroup namespace sees hierarchies of several controllers by each name`,
    async () => {
      await using box = sandbox({ "linux.namespaces": types, "linux.resources.network": { classID: 77 } });
      const output = await box.shell(
        "cat /sys/fs/cgroup/net_cls/net_cls.classid; readlink /sys/fs/cgroup/cpu; readlink /sys/fs/cgroup/net_prio; ls /sys/fs/cgroup/rdma",
      );
      const [classid, cpu, priority] = output.split("\n");
      assertEquals([classid, cpu, priority], ["77", "cpu,cpuacct", "net_cls,net_prio"]);
      assert(output.includes("rdma.max"));
    },
  );
}
