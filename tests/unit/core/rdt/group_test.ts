import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { joinGroup, RdtGroup, removeGroups } from "../../../../core/rdt/group.ts";
import { findResctrl, readResctrl } from "../../../../core/rdt/resctrl.ts";
import { readSchemata, sameResources, satisfies, wantedLines, writeSchemata } from "../../../../core/rdt/schemata.ts";
import { rdtStats } from "../../../../core/rdt/stats.ts";

/** Files of a resctrl file system, without the hardware; what is made there are plain files. */
function withResctrl(use: (root: string) => void): void {
  const root = Deno.makeTempDirSync({ prefix: "runo-test-" });
  try {
    const file = (path: string, text: string) => {
      Deno.mkdirSync(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(`${root}/${path}`, text);
    };
    file("schemata", "    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n");
    file("info/last_cmd_status", "ok\n");
    for (const [name, text] of [["cbm_mask", "fffff"], ["min_cbm_bits", "2"], ["num_closids", "16"]] as const) {
      file(`info/L3/${name}`, `${text}\n`);
    }
    file("info/MB/bandwidth_gran", "10\n");
    file("info/MB/min_bandwidth", "10\n");
    file("info/L3_MON/mon_features", "llc_occupancy\n");
    file("shared/schemata", "L3:0=0000f;1=fffff\n");
    Deno.mkdirSync(`${root}/shared/mon_groups`);
    use(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("findResctrl() looks for the mount, and at what is below it", () => {
  withResctrl((root) => {
    const mount = { root: "/", mountPoint: root, type: "resctrl", options: [] };
    assertEquals(findResctrl([mount]), { root, cat: true, mba: true, monitoring: true });
    assertEquals(findResctrl([{ ...mount, type: "tmpfs" }]), undefined);
    Deno.removeSync(`${root}/info`, { recursive: true });
    assertEquals(readResctrl(root), { root, cat: false, mba: false, monitoring: false });
  });
});

Deno.test("RdtGroup() has a class of the container's name, its schemata and its processes", () => {
  withResctrl((root) => {
    const group = new RdtGroup(readResctrl(root), { l3CacheSchema: "L3:0=ff;1=f0", memBwSchema: "MB:0=50" }, "box");
    group.make(42);
    assertEquals(group.path, `${root}/box`);
    assertEquals(Deno.readTextFileSync(`${root}/box/schemata`), "L3:0=ff;1=f0\nMB:0=50\n");
    assertEquals(Deno.readTextFileSync(`${root}/box/tasks`), "42");
    joinGroup(group, 43);
    assertEquals(Deno.readTextFileSync(`${root}/box/tasks`), "43");
    assertEquals(group.own, [`${root}/box`]);
  });
});

Deno.test("RdtGroup() leaves a class that has a name to others", () => {
  withResctrl((root) => {
    const resctrl = readResctrl(root);
    const group = new RdtGroup(resctrl, { closID: "shared", l3CacheSchema: "L3:0=f", enableMonitoring: true }, "box");
    // in a real one the directories are there with their files
    Deno.mkdirSync(`${root}/shared/mon_groups/box`);
    group.make(42);
    assertEquals(Deno.readTextFileSync(`${root}/shared/schemata`), "L3:0=0000f;1=fffff\n");
    assertEquals(Deno.readTextFileSync(`${root}/shared/mon_groups/box/tasks`), "42");
    assertEquals(group.own, [`${root}/shared/mon_groups/box`]);
    assertEquals(new RdtGroup(resctrl, { closID: "/" }, "box").path, root);
  });
});

Deno.test("RdtGroup() refuses a class that is missing, or other than the config says", () => {
  withResctrl((root) => {
    const refused = (rdt: ConstructorParameters<typeof RdtGroup>[1]) =>
      assertThrows(() => new RdtGroup(readResctrl(root), rdt, "box").make(42), RunoError).message;
    assertEquals(refused({ closID: "none" }).startsWith("clos dir not accessible"), true);
    assertEquals(refused({ closID: "shared", l3CacheSchema: "L3:0=ff" }).includes("exists with other schemata"), true);
  });
});

Deno.test("RdtGroup() refuses what the machine has not, in runc's words", () => {
  const refused = (...args: ConstructorParameters<typeof RdtGroup>) => {
    const { phrase, kind } = assertThrows(() => new RdtGroup(...args), RunoError);
    return [kind, phrase];
  };
  const none = { root: "/", cat: false, mba: false, monitoring: false };
  assertEquals(refused(undefined, {}, "box"), [
    "unsupported",
    "intelRdt is specified in config, but Intel RDT is not supported or enabled",
  ]);
  assertEquals(refused(none, { l3CacheSchema: "L3:0=f" }, "box"), [
    "unsupported",
    "intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled",
  ]);
  assertEquals(refused(none, { memBwSchema: "MB:0=10" }, "box"), [
    "unsupported",
    "intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled",
  ]);
  assertEquals(refused(none, { enableCMT: true }, "box")[0], "unsupported");
});

Deno.test("RdtGroup.make() takes back what it has made", () => {
  withResctrl((root) => {
    const group = new RdtGroup(readResctrl(root), { enableMonitoring: true }, "box");
    // without hardware there is no directory for monitoring groups below a class
    assertThrows(() => group.make(42), RunoError, "making RDT group");
    assertThrows(() => Deno.statSync(`${root}/box`), Deno.errors.NotFound);
  });
});

Deno.test("removeGroups() goes from the inside out, and does not mind what is gone", () => {
  withResctrl((root) => {
    Deno.mkdirSync(`${root}/box/mon_groups/box`, { recursive: true });
    assertThrows(() => removeGroups([`${root}/box`]), RunoError, "removing RDT group");
    removeGroups([`${root}/box`, `${root}/box/mon_groups`, `${root}/box/mon_groups/box`]);
    removeGroups([`${root}/box`]);
    assertThrows(() => Deno.statSync(`${root}/box`), Deno.errors.NotFound);
  });
});

Deno.test("schemata are compared by their values, and taken back by their resources", () => {
  const present = ["L3:0=0000f;1=fffff", "MB:0=100;1= 50"];
  assertEquals(satisfies(present, ["L3:0=f"]), true);
  assertEquals(satisfies(present, ["L3:1=fffff;0=000f", "MB:1=50"]), true);
  assertEquals(satisfies(present, ["L3:0=ff"]), false);
  assertEquals(satisfies(present, ["L2:0=f"]), false);
  assertEquals(sameResources(present, ["MB:0=10"]), ["MB:0=100;1= 50"]);
  assertEquals(wantedLines({ memBwSchema: "MB:0=1", l3CacheSchema: "L3:0=f\n", schemata: ["L2:0=1"] }), [
    "L3:0=f",
    "MB:0=1",
    "L2:0=1",
  ]);
});

Deno.test("writeSchemata() tells what the kernel says", () => {
  withResctrl((root) => {
    Deno.writeTextFileSync(`${root}/info/last_cmd_status`, "Mask out of range\n");
    const { message } = assertThrows(() => writeSchemata(root, `${root}/none`, ["L3:0=0"]), RunoError);
    assertEquals(message.endsWith("ENOENT (last_cmd_status: Mask out of range)"), true);
    assertEquals(readSchemata(root), ["L3:0=fffff;1=fffff", "MB:0=100;1=100"]);
  });
});

Deno.test("rdtStats() reads what there is", () => {
  withResctrl((root) => {
    const monPath = `${root}/shared/mon_groups/box`;
    Deno.mkdirSync(`${monPath}/mon_data/mon_L3_00`, { recursive: true });
    Deno.writeTextFileSync(`${monPath}/mon_data/mon_L3_00/llc_occupancy`, "4096\n");
    assertEquals(rdtStats(readResctrl(root), { path: `${root}/shared`, monPath }), {
      l3CacheInfo: { cbmMask: "fffff", minCbmBits: 2n, numClosids: 16n },
      l3CacheSchemaRoot: "L3:0=fffff;1=fffff",
      l3CacheSchema: "L3:0=0000f;1=fffff",
      memBwInfo: { bandwidthGran: 10n, delayLinear: 0n, minBandwidth: 10n, numClosids: 0n },
      memBwSchemaRoot: "MB:0=100;1=100",
      memBwSchema: "",
      mbm: [{ total: 0n, local: 0n }],
      cmt: [{ llcOccupancy: 4096n }],
    });
  });
});
