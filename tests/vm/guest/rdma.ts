// Limits of RDMA devices: through `create`, through `update`, and read back from the kernel.
import { assert, assertEquals } from "@std/assert";
import type { Resources } from "../../../core/spec/types.ts";
import { exists, rootTest, type Sandbox, sandbox, succeeded } from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";

const V2 = exists("/sys/fs/cgroup/cgroup.controllers");

const DEVICES = ["rxe0", "rxe1"];

/**
 * RDMA devices that are made of software, on network interfaces that lead nowhere. They stay as long as the machine: Linux 6.1
 * does not survive that one is deleted (a list in ib_core).
 */
async function makeDevices(): Promise<void> {
  const sh = async (script: string) => succeeded(await execute(["sh", "-ec", script]), script);
  await sh("modprobe rdma_rxe");
  for (const name of DEVICES.filter((device) => !exists(`/sys/class/infiniband/${device}`))) {
    await sh(`ip link add net-${name} type dummy; ip link set net-${name} up`);
    await sh(`rdma link add ${name} type rxe netdev net-${name}`);
  }
}

function limits(box: Sandbox): string[] {
  const directory = `/sys/fs/cgroup${V2 ? "" : "/rdma"}${box.cgroup}`;
  return Deno.readTextFileSync(`${directory}/rdma.max`).trimEnd().split("\n").map((line) => line.trimEnd()).sort();
}

function written(box: Sandbox, rdma: Resources["rdma"] & object): string {
  Deno.writeTextFileSync(`${box.dir}/resources.json`, JSON.stringify({ rdma }));
  return `${box.dir}/resources.json`;
}

rootTest("rdma: create() sets limits by device, update() changes them and takes them back", async () => {
  await makeDevices();
  await using box = sandbox();
  await box.create({
    "linux.resources.rdma": { rxe0: { hcaHandles: 3, hcaObjects: 10_000 }, rxe1: { hcaObjects: 5 } },
  });
  assertEquals(limits(box), ["rxe0 hca_handle=3 hca_object=10000", "rxe1 hca_handle=max hca_object=5"]);
  await box.ok("update", "--resources", written(box, { rxe0: { hcaHandles: 4 }, rxe1: { hcaHandles: 9 } }), box.id);
  const now = ["rxe0 hca_handle=4 hca_object=10000", "rxe1 hca_handle=9 hca_object=5"];
  assertEquals(limits(box), now);
  const recorded = box.stateFile();
  assertEquals(recorded.config.cgroups.rdma, {
    rxe0: { hca_handles: 4, hca_objects: 10_000 },
    rxe1: { hca_handles: 9, hca_objects: 5 },
  });
  const wrong = written(box, { rxe0: { hcaHandles: 7 }, rxe1: { hcaObjects: 8 }, none: { hcaHandles: 1 } });
  const line = await box.fails(["update", "--resources", wrong, box.id]);
  assert(line.includes('there is no RDMA device "none"'), line);
  assertEquals([limits(box), box.stateFile()], [now, recorded]);
});

rootTest("rdma: runc sets the same", async () => {
  await makeDevices();
  await using box = sandbox({ "linux.resources.rdma": { rxe0: { hcaHandles: 3, hcaObjects: 10_000 } } });
  await box.create();
  const own = limits(box);
  await box.ok("delete", "--force", box.id);
  const runc = async (...args: string[]) =>
    succeeded(await execute(["/usr/sbin/runc", "--root", box.root, ...args], { cwd: box.bundle }), args.join(" "));
  await runc("create", box.id);
  assertEquals(limits(box), own);
  await runc("delete", "--force", box.id);
});
