// The shape, the order and what is left out are those of `runc events` 1.1.5.
import { assertEquals } from "@std/assert";
import {
  type CgroupStats,
  NO_BLKIO,
  NO_CPU_USAGE,
  NO_CPUSET,
  NO_MEMORY,
  NO_PIDS,
  NO_THROTTLING,
} from "../../../../core/cgroup/stats.ts";
import type { RdtStats } from "../../../../core/rdt/stats.ts";
import { formatEvent } from "../../../../core/host/stats_json.ts";

const NOTHING: CgroupStats = {
  cpu: { usage: NO_CPU_USAGE, throttling: NO_THROTTLING },
  cpuset: NO_CPUSET,
  memory: NO_MEMORY,
  pids: NO_PIDS,
  blkio: NO_BLKIO,
  hugetlb: {},
};

Deno.test("formatEvent() writes out of memory as runc", () => {
  assertEquals(formatEvent({ type: "oom", id: "c1" }), '{"type":"oom","id":"c1"}');
});

Deno.test("formatEvent() leaves out the zeros that runc leaves out, and no others", () => {
  assertEquals(
    formatEvent({ type: "stats", id: "c1", data: NOTHING }),
    '{"type":"stats","id":"c1","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},"cpuset":{"cpu_exclusive":0,' +
      '"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,' +
      '"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},"memory":{"usage":{"limit":0,"failcnt":0},' +
      '"swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0}},"pids":{},' +
      '"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}}',
  );
});

Deno.test("formatEvent() writes all 64 bits, and maps by key", () => {
  const text = formatEvent({
    type: "stats",
    id: "c1",
    data: {
      ...NOTHING,
      cpu: {
        usage: { ...NO_CPU_USAGE, total: 3n, percpu: [0n, 3n] },
        throttling: { periods: 1n, throttledPeriods: 0n, throttledTime: 2n },
        psi: {
          some: { avg10: 0.5, avg60: 0, avg300: 0, total: 7n },
          full: { avg10: 0, avg60: 0, avg300: 0, total: 0n },
        },
      },
      memory: {
        ...NO_MEMORY,
        usage: { limit: 18446744073709551615n, usage: 1n, max: 2n, failcnt: 0n },
        raw: { b: 1n, a: 9223372036854771712n },
      },
      blkio: { ...NO_BLKIO, ioServicedRecursive: [{ major: 8n, minor: 0n, op: "Read", value: 5n }] },
      hugetlb: { "2MB": { usage: 1n, max: 0n, failcnt: 0n } },
    },
  });
  const pieces = [
    '"cpu":{"usage":{"total":3,"percpu":[0,3],"kernel":0,"user":0},"throttling":{"periods":1,"throttledTime":2},' +
    '"psi":{"some":{"avg10":0.5,"avg60":0,"avg300":0,"total":7},"full":{"avg10":0,"avg60":0,"avg300":0,"total":0}}}',
    '"usage":{"limit":18446744073709551615,"usage":1,"max":2,"failcnt":0}',
    '"raw":{"a":9223372036854771712,"b":1}',
    '"blkio":{"ioServicedRecursive":[{"major":8,"op":"Read","value":5}]}',
    '"hugetlb":{"2MB":{"usage":1,"failcnt":0}}',
  ];
  assertEquals(pieces.filter((piece) => !text.includes(piece)), []);
});

Deno.test("formatEvent() writes Intel RDT in runc's order, without what the host cannot do", () => {
  const rdt = (stats: RdtStats) => {
    const text = formatEvent({ type: "stats", id: "c1", data: { ...NOTHING, intelRdt: stats } });
    return text.slice(text.indexOf('"intel_rdt":') + '"intel_rdt":'.length, text.indexOf(',"network_interfaces"'));
  };
  assertEquals(rdt({ schemata: [] }), "{}");
  assertEquals(
    rdt({
      schemata: ["MB:0=20"],
      memBwInfo: { bandwidthGran: 10n, delayLinear: 0n, minBandwidth: undefined, numClosids: 8n },
      memBwSchema: "MB:0=20",
      mbm: [{ total: 0n, local: undefined }],
      cmt: [{ llcOccupancy: 7n }],
    }),
    '{"mem_bw_info":{"bandwidth_gran":10,"num_closids":8},"mem_bw_schema":"MB:0=20","schemata":["MB:0=20"],' +
      '"mbm_stats":[{"mbm_total_bytes":0}],"cmt_stats":[{"llc_occupancy":7}]}',
  );
});
