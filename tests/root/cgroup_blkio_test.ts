// Weights of block I/O by device, and those of leaves, on v1: through `create`, through `update`, and read back.
import { assert, assertEquals } from "@std/assert";
import type { BlockIO } from "../../core/spec/types.ts";
import { rootTest, type Sandbox, sandbox, succeeded } from "./harness.ts";
import { diskOfBfq, noOwnDisk } from "./support/block.ts";
import { cgroupFile } from "./support/cgroups.ts";

function written(box: Sandbox, blockIO: BlockIO): string {
  const path = `${box.dir}/resources.json`;
  Deno.writeTextFileSync(path, JSON.stringify({ blockIO }));
  return path;
}

rootTest("create() sets weights by device, update() changes them and takes them back", async () => {
  await using box = sandbox();
  using disk = diskOfBfq(box.dir);
  const { major, minor } = disk, name = `${major}:${minor}`;
  const lines = () => cgroupFile(box, "blkio/blkio.bfq.weight_device").split("\n").sort();
  await box.create({ "linux.resources.blockIO": { weight: 300, weightDevice: [{ major, minor, weight: 250 }] } });
  assertEquals(lines(), [`${name} 250`, "default 300"]);
  await box.ok("update", "--resources", written(box, { weightDevice: [{ major, minor, weight: 700 }] }), box.id);
  assertEquals(lines(), [`${name} 700`, "default 300"]);
  const recorded = () => box.stateFile().config.cgroups.blkio_weight_device;
  assertEquals(recorded(), [{ major, minor, weight: 700, leafWeight: 0 }]);
  // as with runc: BFQ itself forgets the device then
  await box.ok("update", "--blkio-weight", "310", box.id);
  assertEquals(lines(), [`${name} 700`, "default 310"]);
  // 0:0 is no device
  const wrong = [{ major, minor, weight: 500 }, { major: 0, minor: 0, weight: 500 }];
  const line = await box.fails(["update", "--resources", written(box, { weight: 320, weightDevice: wrong }), box.id]);
  assert(line.includes("blkio.bfq.weight_device"), line);
  assertEquals([lines(), recorded()], [[`${name} 700`, "default 310"], [{ major, minor, weight: 700, leafWeight: 0 }]]);
}, noOwnDisk);

/**
 * Files of the scheduler CFQ, which went with Linux 5.0: no kernel that runs here has them. In a mount namespace of the
 * command's own they lie over the container's cgroup.
 */
const CFQ_FILES = ["weight", "weight_device", "leaf_weight", "leaf_weight_device"].map((name) => `blkio.${name}`);

rootTest("create() and update() set the weights of leaves where the kernel has them", async () => {
  await using box = sandbox();
  const fake = `${box.dir}/blkio`, real = `/sys/fs/cgroup/blkio${box.cgroup}`;
  Deno.mkdirSync(fake);
  // to be mounted upon; deleted with the container
  Deno.mkdirSync(real, { recursive: true });
  for (const name of [...CFQ_FILES, "tasks", "cgroup.procs"]) Deno.writeTextFileSync(`${fake}/${name}`, "");
  const files = () => CFQ_FILES.map((name) => Deno.readTextFileSync(`${fake}/${name}`));
  const mounts = `mount --bind ${fake} ${real}`;
  const runo = async (...args: string[]) => succeeded(await box.runo(args, { mounts }), args.join(" "));
  const device = { major: 8, minor: 16 };
  const blockIO = { weight: 300, leafWeight: 400, weightDevice: [{ ...device, weight: 500, leafWeight: 600 }] };
  box.configure({ "linux.resources.blockIO": blockIO });
  await runo("create", "--bundle", box.bundle, box.id);
  assertEquals(files(), ["300", "8:16 500", "400", "8:16 600"]);
  const changed = { leafWeight: 450, weightDevice: [{ ...device, leafWeight: 650 }] };
  await runo("update", "--resources", written(box, changed), box.id);
  assertEquals(files(), ["300", "8:16 500", "450", "8:16 650"]);
  const { blkio_leaf_weight, blkio_weight_device } = box.stateFile().config.cgroups;
  assertEquals([blkio_leaf_weight, blkio_weight_device], [450, [{ ...device, weight: 500, leafWeight: 650 }]]);
  await box.ok("delete", "--force", box.id);
});

rootTest("create() says where weights of leaves have gone", async () => {
  await using box = sandbox();
  const line = await box.refused({ "linux.resources.blockIO": { leafWeight: 400 } });
  assert(line.includes("weights of leaves went with the CFQ scheduler in Linux 5.0"), line);
  assertEquals(box.leftovers(), []);
});
