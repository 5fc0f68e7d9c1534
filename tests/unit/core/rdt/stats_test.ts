import { assertEquals } from "@std/assert";
import { rdtStats } from "../../../../core/rdt/stats.ts";
import { withResctrl } from "./tree.ts";

const CLASS = {
  "c1/schemata": "    MB:0= 20;1= 70\n    L3:0=000ff;1=000f0\n",
  "c1/mon_data/mon_L3_01/llc_occupancy": "0\n",
  "c1/mon_data/mon_L3_01/mbm_total_bytes": "Unavailable\n",
  "c1/mon_data/mon_L3_01/mbm_local_bytes": "5\n",
  "c1/mon_data/mon_L3_00/llc_occupancy": "4096\n",
  "c1/mon_data/mon_L3_00/mbm_total_bytes": "18446744073709551615\n",
  "c1/mon_data/mon_L3_00/mbm_local_bytes": "6\n",
};

Deno.test("rdtStats() tells what the class has, and what is counted for it", () => {
  withResctrl(CLASS, ({ path, resctrl }) => {
    assertEquals(rdtStats(resctrl, { path: `${path}/c1` }), {
      l3CacheInfo: { cbmMask: "fffff", minCbmBits: 1n, numClosids: 16n },
      l3CacheSchemaRoot: "L3:0=fffff;1=fffff",
      l3CacheSchema: "L3:0=000ff;1=000f0",
      memBwInfo: { bandwidthGran: 10n, delayLinear: 1n, minBandwidth: 10n, numClosids: 8n },
      memBwSchemaRoot: "MB:0=100;1=100",
      memBwSchema: "MB:0= 20;1= 70",
      schemata: ["MB:0= 20;1= 70", "L3:0=000ff;1=000f0"],
      mbm: [{ total: 18446744073709551615n, local: 6n }, { total: undefined, local: 5n }],
      cmt: [{ llcOccupancy: 4096n }, { llcOccupancy: 0n }],
    });
  });
});

Deno.test("rdtStats() counts in the group of the container when it has one", () => {
  const monitor = { "c1/mon_groups/c1/mon_data/mon_L3_00/llc_occupancy": "7\n" };
  withResctrl({ ...CLASS, ...monitor }, ({ path, resctrl }) => {
    const place = { path: `${path}/c1`, monPath: `${path}/c1/mon_groups/c1` };
    const { cmt, mbm } = rdtStats({ ...resctrl, monitors: ["llc_occupancy"] }, place);
    assertEquals([cmt, mbm], [[{ llcOccupancy: 7n }], undefined]);
  });
});

Deno.test("rdtStats() leaves out what the host cannot do", () => {
  withResctrl(CLASS, ({ path, resctrl }) => {
    const poor = { ...resctrl, cat: false, mba: false, monitors: [] };
    assertEquals(rdtStats(poor, { path: `${path}/c1` }), {
      schemata: ["MB:0= 20;1= 70", "L3:0=000ff;1=000f0"],
    });
  });
});
