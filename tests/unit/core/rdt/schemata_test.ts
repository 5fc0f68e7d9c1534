import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import {
  differentShare,
  readSchemata,
  sameResources,
  wantedLines,
  writeSchemata,
} from "../../../../core/rdt/schemata.ts";
import { withResctrl } from "./tree.ts";

Deno.test("wantedLines() has a line for each schema, the free ones last", () => {
  assertEquals(wantedLines({}), []);
  assertEquals(
    wantedLines({ schemata: ["L2:0=f", "", "MB:0=30"], memBwSchema: "MB:0=20", l3CacheSchema: "L3:0=f\n" }),
    ["L3:0=f", "MB:0=20", "L2:0=f", "MB:0=30"],
  );
});

Deno.test("writeSchemata() writes all lines at once, and tells what the kernel says", () => {
  withResctrl({ "c1/schemata": "", "info/last_cmd_status": "Unknown or unsupported resource name\n" }, (rdt) => {
    writeSchemata(`${rdt.path}/c1`, ["L3:0=f", "MB:0=20"]);
    assertEquals(rdt.read("c1/schemata"), "L3:0=f\nMB:0=20\n");
    writeSchemata(`${rdt.path}/none`, []);
    const error = assertThrows(() => writeSchemata(`${rdt.path}/none`, ["X:0=1"]), RunoError);
    const said = "last_cmd_status: Unknown or unsupported resource name";
    assertEquals(error.message, `writing ${String.raw`"X:0=1\n"`} to "${rdt.path}/none/schemata": ENOENT (${said})`);
  });
});

Deno.test("readSchemata() reads lines without blanks around them", () => {
  withResctrl({}, ({ path }) => assertEquals(readSchemata(path), ["L3:0=fffff;1=fffff", "MB:0=100;1=100"]));
});

Deno.test("sameResources() are what takes lines back", () => {
  assertEquals(sameResources(["L3:0=f", "MB:0=100;1= 50"], ["MB:0=10"]), ["MB:0=100;1= 50"]);
});

Deno.test("differentShare() compares what is meant, not how it is written", () => {
  const present = ["SMBA:0=2048", "MB:0= 20;1=100", "L3:0=000ff;1=fffff", "L3CODE:0=3"];
  const same = ["L3:0=ff", "L3:00=0xFF;1=FFFFF", " MB: 1=100 ; 0=20", "MB:0=11", "SMBA:0=2048", "L3CODE:0=003"];
  for (const wanted of same) assertEquals(differentShare([wanted], present, 10n), undefined, wanted);
  assertEquals(differentShare([], present, 10n), undefined);
  // the last line about something counts
  assertEquals(differentShare(["L3:0=f", "L3:0=ff"], present, 10n), undefined);
  const different = {
    "L3:0=ff;1=ff": "L3:1=ff",
    "L3:2=ff": "L3:2=ff",
    "L2:0=f": "L2:0=f",
    "MB:0=21": "MB:0=21",
    "MB:0=10": "MB:0=10",
    "L3:0=many": "L3:0=many",
  };
  for (const [wanted, share] of Object.entries(different)) {
    assertEquals(differentShare([wanted], present, 10n), share, wanted);
  }
  // without a step, as with megabytes per second
  assertEquals(differentShare(["MB:0=11"], present, 0n), "MB:0=11");
});
