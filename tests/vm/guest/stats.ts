// `events --stats` of runc and runo about one container, on a machine that has all controllers in one version.
import { assertEquals } from "@std/assert";
import { defaultSpec } from "../../../core/spec/defaults.ts";
import { assertBetween } from "../../peer/runc/events.ts";
import { exists, rootTest, RUNO, sandbox, succeeded, until } from "../../root/harness.ts";
import { execute } from "../../root/support/command.ts";

const MIB = 1 << 20;
const PAGES = "/proc/sys/vm/nr_hugepages";
const MOUNTS = defaultSpec({ cgroupV2: false }).mounts ?? [];

/** The peak of v2, which runc reads since 1.2. */
const UNTOLD = exists("/sys/fs/cgroup/cgroup.controllers") ? ["data.memory.usage.max"] : [];

/** It uses huge pages, writes to a disk, takes more time than it may have, and starts processes. */
const BUSY = "fallocate -l 4194304 /huge/file; " +
  "while :; do dd if=/dev/zero of=/file bs=64k count=4 conv=fsync 2>/dev/null; done";

rootTest("events have the same keys in the same order as runc's, and like values", async () => {
  Deno.writeTextFileSync(PAGES, "8");
  await using box = sandbox({
    "process.args": ["sh", "-c", BUSY],
    "mounts": [...MOUNTS, { destination: "/huge", type: "hugetlbfs", source: "hugetlbfs", options: ["pagesize=2M"] }],
    "linux.resources": {
      memory: { limit: 64 * MIB, swap: 128 * MIB },
      cpu: { quota: 2_000, period: 10_000, cpus: "0" },
      pids: { limit: 20 },
      hugepageLimits: [{ pageSize: "2MB", limit: 8 * MIB }],
    },
  });
  await box.create();
  await box.ok("start", box.id);
  const sample = async (program: string) =>
    JSON.parse(succeeded(await execute([program, "--root", box.root, "events", "--stats", box.id])));
  await until(async () => isWorking((await sample(RUNO)).data), "something to tell of");
  for (let round = 0; round < 3; round++) {
    const before = await sample("/usr/sbin/runc"), between = await sample(RUNO), after = await sample("/usr/sbin/runc");
    assertBetween({ before, between, after }, UNTOLD);
    assertEquals(between.data.hugetlb["2MB"].usage, 4 * MIB);
  }
  await box.ok("delete", "--force", box.id);
  Deno.writeTextFileSync(PAGES, "0");
});

/** Whether the counters that matter count. */
// deno-lint-ignore no-explicit-any
function isWorking({ cpu, memory, blkio, hugetlb }: any): boolean {
  // on v1 BFQ's, which does not schedule this disk: they are 0
  const written = blkio.ioServiceBytesRecursive?.length > 0;
  const used = memory.usage.usage > 0 && memory.raw.pgfault > 0 && hugetlb["2MB"]?.usage > 0;
  return cpu.throttling.throttledPeriods > 0 && used && written;
}
