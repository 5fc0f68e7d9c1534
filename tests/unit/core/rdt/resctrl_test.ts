import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { parseMountinfo } from "../../../../core/mountinfo.ts";
import { checkedResctrl, findResctrl, readResctrl, type Resctrl } from "../../../../core/rdt/resctrl.ts";
import type { IntelRdt } from "../../../../core/spec/types.ts";
import { withTree } from "../cgroup/tree.ts";
import { withResctrl } from "./tree.ts";

Deno.test("findResctrl() finds the mount, the usual place first", () => {
  const sys = "22 1 0:20 / /sys rw - sysfs sysfs rw";
  const group = "23 1 0:30 /gold /mnt/gold rw - resctrl resctrl rw";
  const other = "24 1 0:30 / /mnt/r\\040d rw shared:3 - resctrl resctrl rw,cdp";
  const usual = "25 22 0:30 / /sys/fs/resctrl rw - resctrl resctrl rw";
  const find = (...lines: string[]) => findResctrl(parseMountinfo(lines.join("\n")))?.root;
  assertEquals(find(sys, group), undefined);
  assertEquals(find(sys, group, other), "/mnt/r d");
  assertEquals(find(sys, other, usual), "/sys/fs/resctrl");
});

Deno.test("readResctrl() tells what the host can do", () => {
  withResctrl({}, ({ path, resctrl }) => {
    const monitors = ["llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"];
    assertEquals(resctrl, { root: path, cat: true, mba: true, monitors });
  });
  withTree({ schemata: "" }, ({ path }) => {
    assertEquals(readResctrl(path), { root: path, cat: false, mba: false, monitors: [] });
  });
});

Deno.test("checkedResctrl() refuses what the host cannot do", () => {
  const all: Resctrl = { root: "/r", cat: true, mba: true, monitors: ["llc_occupancy"] };
  const cases: [IntelRdt, Resctrl | undefined, string][] = [
    [{}, undefined, "intelRdt is specified in config, but Intel RDT is not supported or enabled"],
    [
      { l3CacheSchema: "L3:0=f" },
      { ...all, cat: false },
      "intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled",
    ],
    [
      { memBwSchema: "MB:0=10" },
      { ...all, mba: false },
      "intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled",
    ],
    ...[{ enableMonitoring: true }, { enableCMT: true }, { enableMBM: true }].map((
      rdt,
    ): [IntelRdt, Resctrl, string] => [
      rdt,
      { ...all, monitors: [] },
      "intelRdt of the config asks for monitoring, but neither Intel RDT/CMT nor MBM is enabled",
    ]),
  ];
  for (const [rdt, resctrl, phrase] of cases) {
    const error = assertThrows(() => checkedResctrl(rdt, resctrl), RunoError);
    assertEquals([error.phrase, error.kind], [phrase, "unsupported"]);
  }
  const nothing = { l3CacheSchema: "", memBwSchema: "", enableMonitoring: false };
  const poor = { ...all, cat: false, mba: false, monitors: [] };
  assertEquals(checkedResctrl(nothing, poor), poor);
});
