import { assertEquals } from "@std/assert";
import { changedProperties, limitProperties, type Property } from "../../../../../core/cgroup/systemd/properties.ts";
import type { Resources } from "../../../../../core/spec/types.ts";

const INFINITY = 2n ** 64n - 1n;

function properties(resources: Resources, cgroup: "v1" | "v2" = "v2", version = 252): Property[] {
  return limitProperties(resources, { cgroup, version: () => version });
}

Deno.test("limitProperties() has the limits of v2", () => {
  assertEquals(
    properties({
      memory: { limit: 1000, reservation: 500, swap: 1500 },
      cpu: { shares: 1024, quota: 50000, period: 100000, cpus: "0-1,9", mems: "0" },
      pids: { limit: 10 },
    }),
    [
      ["MemoryMax", "t", 1000n],
      ["MemoryLow", "t", 500n],
      ["MemorySwapMax", "t", 500n],
      ["CPUWeight", "t", 100n],
      ["CPUQuotaPeriodUSec", "t", 100000n],
      ["CPUQuotaPerSecUSec", "t", 500000n],
      ["AllowedCPUs", "ay", [3, 2]],
      ["AllowedMemoryNodes", "ay", [1]],
      ["TasksMax", "t", 10n],
    ],
  );
});

Deno.test("limitProperties() has the limits of v1", () => {
  assertEquals(
    properties(
      { memory: { limit: 1000, reservation: 500 }, cpu: { shares: 512 }, blockIO: { weight: 20 }, pids: { limit: -1 } },
      "v1",
    ),
    [
      ["MemoryLimit", "t", 1000n],
      ["CPUShares", "t", 512n],
      ["TasksMax", "t", INFINITY],
      ["BlockIOWeight", "t", 20n],
    ],
  );
});

Deno.test("limitProperties() has nothing where nothing is set", () => {
  assertEquals(properties({}), []);
  assertEquals(properties({ memory: { limit: 0 }, cpu: { shares: 0, cpus: "" } }), []);
});

Deno.test("limitProperties() says infinity for no limit, and 1 for no process", () => {
  assertEquals(properties({ memory: { limit: -1 } }), [["MemoryMax", "t", INFINITY], ["MemorySwapMax", "t", INFINITY]]);
  assertEquals(properties({ cpu: { quota: -1 } }), [["CPUQuotaPerSecUSec", "t", INFINITY]]);
  assertEquals(properties({ pids: { limit: 0 } }), [["TasksMax", "t", 1n]]);
});

Deno.test("limitProperties() rounds the quota up to what systemd can say", () => {
  assertEquals(properties({ cpu: { quota: 1234, period: 100000 } }), [
    ["CPUQuotaPeriodUSec", "t", 100000n],
    ["CPUQuotaPerSecUSec", "t", 20000n],
  ]);
  assertEquals(properties({ cpu: { quota: 25000 } }), [["CPUQuotaPerSecUSec", "t", 250000n]]);
});

Deno.test("limitProperties() leaves out what this systemd does not know", () => {
  const cpu = { quota: 1000, period: 2000, cpus: "0", idle: 1 };
  assertEquals(properties({ cpu }, "v2", 239), [["CPUQuotaPerSecUSec", "t", 500000n]]);
  assertEquals(properties({ cpu }).map(([name]) => name), [
    "CPUWeight",
    "CPUQuotaPeriodUSec",
    "CPUQuotaPerSecUSec",
    "AllowedCPUs",
  ]);
});

Deno.test("limitProperties() asks for the version only when it matters", () => {
  const version = () => {
    throw new Error("asked");
  };
  const memory = { limit: 5 };
  assertEquals(limitProperties({ memory, cpu: { shares: 2 } }, { cgroup: "v2", version }).length, 2);
});

Deno.test("limitProperties() knows the files of unified that have a property", () => {
  assertEquals(
    properties({
      unified: {
        "memory.high": "max",
        "memory.min": "10",
        "pids.max": "5",
        "cpu.max": "20000 50000",
        "cpu.idle": "1",
        "cpuset.cpus": "1",
        "memory.oom.group": "1",
        "memory.max": "64M",
      },
    }),
    [
      ["MemoryHigh", "t", INFINITY],
      ["MemoryMin", "t", 10n],
      ["TasksMax", "t", 5n],
      ["CPUQuotaPeriodUSec", "t", 50000n],
      ["CPUQuotaPerSecUSec", "t", 400000n],
      ["CPUWeight", "t", 0n],
      ["AllowedCPUs", "ay", [2]],
    ],
  );
});

Deno.test("changedProperties() leaves out what stays", () => {
  const before = properties({ memory: { limit: 5 }, cpu: { cpus: "0" } });
  assertEquals(changedProperties(before, before), []);
  assertEquals(changedProperties(before, properties({ memory: { limit: 6 }, cpu: { cpus: "0" } })), [
    ["MemoryMax", "t", 6n],
  ]);
});
