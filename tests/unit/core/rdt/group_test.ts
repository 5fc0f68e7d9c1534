import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { joinGroupIfThere, RdtGroup, removeGroups } from "../../../../core/rdt/group.ts";
import { withResctrl } from "./tree.ts";

const SCHEMAS = { l3CacheSchema: "L3:0=ff;1=f0", memBwSchema: "MB:0=20;1=70", schemata: ["L2:0=f", "L3:1=f"] };

Deno.test("RdtGroup.create() makes a class named after the container, with its schemata in order", () => {
  withResctrl({}, ({ resctrl, path, read }) => {
    const group = new RdtGroup(resctrl, SCHEMAS, "c1");
    assertEquals([group.path, group.monPath, group.own], [`${path}/c1`, undefined, [`${path}/c1`]]);
    group.create();
    group.enter(42);
    assertEquals(read("c1/schemata"), "L3:0=ff;1=f0\nMB:0=20;1=70\nL2:0=f\nL3:1=f\n");
    assertEquals(read("c1/tasks"), "42");
    assertEquals(group.own, [`${path}/c1`]);
  });
});

Deno.test("RdtGroup.create() writes no schemata when there are none", () => {
  withResctrl({}, ({ resctrl, has }) => {
    new RdtGroup(resctrl, { l3CacheSchema: "", schemata: [] }, "c1").create();
    assertEquals([has("c1"), has("c1/schemata")], [true, false]);
  });
});

Deno.test("RdtGroup.create() takes over a class of the container's name that others have made", () => {
  withResctrl({ "c1/schemata": "L3:0=fffff;1=fffff\n", "c1/tasks": "" }, ({ resctrl, read, has }) => {
    const group = new RdtGroup(resctrl, SCHEMAS, "c1");
    assertEquals(group.own, []);
    group.create();
    group.enter(42);
    assertEquals(read("c1/schemata").split("\n")[0], "L3:0=ff;1=f0");
    group.remove();
    assertEquals([has("c1"), group.own], [true, []]);
  });
});

Deno.test("RdtGroup.create() makes a class that the config names, and leaves it to others", () => {
  withResctrl({}, ({ resctrl, read, has }) => {
    const group = new RdtGroup(resctrl, { ...SCHEMAS, closID: "gold" }, "c1");
    group.create();
    group.enter(42);
    assertEquals([read("gold/tasks"), has("c1"), group.own], ["42", false, []]);
  });
});

Deno.test("RdtGroup.create() enters a class that has what the config says, and does not write to it", () => {
  const existing = "    MB:0= 20;1= 70\n    L3:0=000ff;1=000f0\n";
  withResctrl({ "gold/schemata": existing, "gold/tasks": "7\n" }, ({ resctrl, read }) => {
    const rdt = { closID: "gold", l3CacheSchema: "L3:1=f0;0=0ff", memBwSchema: "MB:0=15" };
    new RdtGroup(resctrl, rdt, "c1").create();
    assertEquals(read("gold/schemata"), existing);
  });
});

Deno.test("RdtGroup.create() refuses a class that has something else", () => {
  const files = { "gold/schemata": "L3:0=ff;1=f0\nMB:0=20;1=70\n", "gold/tasks": "7\n" };
  withResctrl(files, ({ resctrl, path, read }) => {
    const group = new RdtGroup(resctrl, { closID: "gold", l3CacheSchema: "L3:0=ff;1=f" }, "c1");
    const error = assertThrows(() => group.create(), RunoError);
    assertEquals(error.phrase, `intelRdt of the config does not match "${path}/gold/schemata" in L3:1=f`);
    assertEquals([error.kind, error.pointer], ["invalid", "/linux/intelRdt"]);
    group.remove();
    assertEquals([read("gold/schemata"), read("gold/tasks")], [files["gold/schemata"], "7\n"]);
  });
});

Deno.test("RdtGroup() wants a class that is named without schemata to be there", () => {
  withResctrl({ "silver/tasks": "" }, ({ resctrl, path }) => {
    const error = assertThrows(() => new RdtGroup(resctrl, { closID: "gold", schemata: [] }, "c1"), RunoError);
    assertEquals(error.phrase, `clos dir not accessible: there is no "${path}/gold"`);
    assertEquals(new RdtGroup(resctrl, { closID: "silver" }, "c1").path, `${path}/silver`);
  });
});

Deno.test('RdtGroup() takes "/" for the default class', () => {
  withResctrl({}, ({ resctrl, path, read, has }) => {
    const group = new RdtGroup(resctrl, { closID: "/", memBwSchema: "MB:1=100" }, "c1");
    assertEquals(group.path, path);
    group.create();
    group.enter(42);
    assertEquals([read("tasks"), has("c1")], ["42", false]);
    assertThrows(() => new RdtGroup(resctrl, { closID: "/", memBwSchema: "MB:1=50" }, "c1").create(), RunoError);
  });
});

Deno.test("RdtGroup.create() tells what the kernel says of schemata that it refuses", () => {
  // a directory in place of the file: writing fails
  withResctrl({ "c1/schemata/x": "", "info/last_cmd_status": "Mask out of range\n" }, ({ resctrl, path }) => {
    const error = assertThrows(() => new RdtGroup(resctrl, SCHEMAS, "c1").create(), RunoError);
    const value = String.raw`"L3:0=ff;1=f0\nMB:0=20;1=70\nL2:0=f\nL3:1=f\n"`;
    assertEquals(
      error.message,
      `writing ${value} to "${path}/c1/schemata": EISDIR (last_cmd_status: Mask out of range)`,
    );
  });
});

Deno.test("RdtGroup.create() removes a new class that cannot be given its schemata", () => {
  withResctrl({}, ({ resctrl, path }) => {
    // so deep that the path of the class is one that the kernel takes, and that of its files is not
    const filler = `/${"d".repeat(200)}`;
    let root = path + filler.repeat(Math.floor((4080 - path.length) / filler.length));
    root += `/${"d".repeat(4085 - root.length)}`;
    Deno.mkdirSync(root, { recursive: true });
    const error = assertThrows(() => new RdtGroup({ ...resctrl, root }, SCHEMAS, "c1").create(), RunoError);
    assertEquals([error.errno, Array.from(Deno.readDirSync(root))], ["ENAMETOOLONG", []]);
  });
});

Deno.test("RdtGroup.create() tells why no class can be made", () => {
  withResctrl({ "info/last_cmd_status": "Out of CLOSIDs\n" }, ({ resctrl, path }) => {
    const error = assertThrows(() => new RdtGroup(resctrl, SCHEMAS, "no/c1").create(), RunoError);
    assertEquals(error.message, `making "${path}/no/c1": ENOENT (last_cmd_status: Out of CLOSIDs)`);
  });
});

Deno.test("RdtGroup.enter() counts the container apart", () => {
  withResctrl({}, ({ resctrl, path, read }) => {
    const group = new RdtGroup(resctrl, { enableMonitoring: true }, "c1");
    assertEquals(group.monPath, `${path}/c1/mon_groups/c1`);
    group.create();
    // the kernel makes this in each class
    Deno.mkdirSync(`${path}/c1/mon_groups`);
    group.enter(42);
    group.enter(42);
    assertEquals([read("c1/tasks"), read("c1/mon_groups/c1/tasks")], ["42", "42"]);
    assertEquals(group.own, [`${path}/c1`, `${path}/c1/mon_groups/c1`]);
  });
});

Deno.test("RdtGroup.remove() takes back what was made", () => {
  withResctrl({}, ({ resctrl, has, empty }) => {
    const group = new RdtGroup(resctrl, SCHEMAS, "c1");
    group.remove();
    group.create();
    group.enter(42);
    empty("c1");
    group.remove();
    assertEquals(has("c1"), false);
  });
});

Deno.test("RdtGroup.remove() leaves a class in which others are by now", () => {
  withResctrl({}, ({ resctrl, has, path }) => {
    const group = new RdtGroup(resctrl, { ...SCHEMAS, closID: "gold" }, "c1");
    group.create();
    Deno.writeTextFileSync(`${path}/gold/tasks`, "99\n");
    group.remove();
    assertEquals(has("gold"), true);
  });
});

Deno.test("RdtGroup.own has the monitoring group in a class that has a name, unless others have made it", () => {
  withResctrl({ "gold/tasks": "", "gold/mon_groups/c2/tasks": "" }, ({ resctrl, path, has, empty }) => {
    const rdt = { closID: "gold", enableMonitoring: true };
    const group = new RdtGroup(resctrl, rdt, "c1"), other = new RdtGroup(resctrl, rdt, "c2");
    assertEquals([group.own, other.own], [[`${path}/gold/mon_groups/c1`], []]);
    for (const each of [group, other]) {
      each.create();
      each.enter(42);
    }
    assertEquals([group.own, other.own], [[`${path}/gold/mon_groups/c1`], []]);
    empty("gold/mon_groups/c1");
    for (const each of [group, other]) each.remove();
    assertEquals([has("gold/mon_groups/c1"), has("gold/mon_groups/c2")], [false, true]);
  });
});

Deno.test("removeGroups() goes from the inside out, and does not mind what is gone", () => {
  withResctrl({ "c1/mon_groups/c1/x": "" }, ({ path, has, empty }) => {
    empty("c1/mon_groups/c1");
    const error = assertThrows(() => removeGroups([`${path}/c1`]), RunoError);
    assertEquals(error.message, `removing "${path}/c1": ENOTEMPTY`);
    removeGroups([`${path}/c1`, `${path}/c1/mon_groups`, `${path}/c1/mon_groups/c1`]);
    removeGroups([`${path}/c1`]);
    assertEquals(has("c1"), false);
  });
});

Deno.test("joinGroupIfThere() enters what is there", () => {
  withResctrl({ "c1/tasks": "" }, ({ path, read, has }) => {
    joinGroupIfThere({ path: `${path}/c1`, monPath: `${path}/c1/mon_groups/c1` }, 42);
    joinGroupIfThere({ path: `${path}/c2`, monPath: undefined }, 42);
    assertEquals([read("c1/tasks"), has("c2")], ["42", false]);
  });
});
