// `events`: the same words as runc, out of memory as it happens, and an end.
import { assert, assertEquals } from "@std/assert";
import { rootTest, sandbox, succeeded, until } from "./harness.ts";

rootTest("events() prints what the container uses", async () => {
  await using box = sandbox({
    "linux.resources.memory": { limit: 33554432 },
    "linux.resources.pids": { limit: 9 },
    "linux.resources.cpu": { cpus: "0" },
  });
  await box.sleeping();
  const line = await box.ok("events", "--stats", box.id);
  const { type, id, data } = JSON.parse(line);
  assertEquals([type, id, line.endsWith("}\n")], ["stats", box.id, true]);
  assertEquals(Object.keys(data), [
    "cpu",
    "cpuset",
    "memory",
    "pids",
    "blkio",
    "hugetlb",
    "intel_rdt",
    "network_interfaces",
  ]);
  assertEquals(data.memory.usage.limit, 33554432);
  assert(data.memory.usage.usage > 0 && data.memory.usage.max >= data.memory.usage.usage);
  assertEquals(data.pids, { current: 1, limit: 9 });
  assertEquals(data.cpuset.cpus, [0]);
  assert(data.cpu.usage.total > 0);
  // more than 2^53: all digits
  assert(line.includes('"swap":{"limit":9223372036854771712,'), line);
});

rootTest("events() prints records until the container has ended, and oom when memory runs out", async () => {
  await using box = sandbox({
    "linux.resources.memory": { limit: 16777216, swap: 16777216 },
    // runs out of memory once it is told to
    "process.args": ["sh", "-c", "read -r go < /fifo; a=xxxxxxxx; while :; do a=$a$a; done"],
  });
  await new Deno.Command("mkfifo", { args: [`${box.rootfs}/fifo`] }).output();
  await box.create();
  await box.ok("start", box.id);
  const events = box.start(["events", "--interval", "100ms", box.id]);
  const writer = await Deno.open(`${box.rootfs}/fifo`, { write: true });
  await until(() => events.stdout().split('"stats"').length > 2, "two records");
  await writer.write(new TextEncoder().encode("go\n"));
  writer.close();
  const lines = succeeded(await events.result).trimEnd().split("\n");
  const types = lines.map((line) => JSON.parse(line).type);
  assert(types.filter((type) => type === "stats").length >= 2, lines.join("\n"));
  assertEquals(lines.filter((line) => line === `{"type":"oom","id":"${box.id}"}`).length, 1, lines.join("\n"));
  await box.reaches("stopped");
});

rootTest("events() refuses what it cannot do", async () => {
  await using box = sandbox();
  await box.create({});
  assert(
    (await box.fails(["events", "--interval", "0s", box.id])).includes("duration interval must be greater than 0"),
  );
  await box.ok("start", box.id);
  await box.reaches("stopped");
  const line = await box.fails(["events", "--stats", box.id]);
  assert(line.includes(`container with id ${box.id} is not running`), line);
});
