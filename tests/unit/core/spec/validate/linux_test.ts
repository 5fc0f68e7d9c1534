import { assertEquals } from "@std/assert";
import { validateSpec } from "../../../../../core/spec/validate.ts";
import { changed, type Changes, errors, lines } from "../config.ts";

const policy = (memoryPolicy: unknown): Changes => ({ "linux.memoryPolicy": memoryPolicy });
errors("checks propagation, cgroupsPath, personality and memory policy", [
  [{ "linux.rootfsPropagation": "rslave", "linux.cgroupsPath": "/a..b/c" }],
  [{ "linux.rootfsPropagation": "all" }, "/linux/rootfsPropagation: rootfsPropagation=all is not supported"],
  [{ "linux.personality": { domain: "LINUX32" } }],
  [{ "linux.personality": { domain: "BSD" } }, '/linux/personality/domain: invalid personality domain "BSD"'],
  [policy({ mode: "MPOL_BIND", nodes: "0-1,3", flags: ["MPOL_F_STATIC_NODES"] })],
  [policy({ mode: "MPOL_PREFERRED" })],
  [policy({ mode: "MPOL_LOCAL", nodes: "" })],
  [policy({ mode: "toString" }), '/linux/memoryPolicy/mode: invalid memory policy mode "toString"'],
  [
    policy({ mode: "MPOL_DEFAULT", nodes: "0-3" }),
    "/linux/memoryPolicy/nodes: memory policy mode requires 0 nodes but got 4",
  ],
  [
    policy({ mode: "MPOL_INTERLEAVE" }),
    "/linux/memoryPolicy/nodes: memory policy mode requires at least one node but got 0",
  ],
  [
    policy({ mode: "MPOL_BIND", nodes: "x", flags: ["F"] }),
    '/linux/memoryPolicy/flags/0: invalid memory policy flag "F"',
    '/linux/memoryPolicy/nodes: invalid memory policy nodes "x"',
  ],
  [policy({}), '/linux/memoryPolicy/mode: invalid memory policy mode ""'],
  [policy({ mode: "MPOL_BIND", nodes: "0,65536" })],
  [
    policy({ mode: "MPOL_BIND", nodes: "0-65537" }),
    '/linux/memoryPolicy/nodes: invalid memory policy nodes "0-65537"',
  ],
]);

errors("checks Intel RDT", [
  [{ "linux.intelRdt": { closID: "/", memBwSchema: "MB:0=20", schemata: ["L2:0=f"] } }],
  [{ "linux.intelRdt": { closID: "a/b" } }, '/linux/intelRdt/closID: invalid intelRdt.ClosID "a/b"'],
  [{ "linux.intelRdt": { closID: ".." } }, '/linux/intelRdt/closID: invalid intelRdt.ClosID ".."'],
  [
    { "linux.intelRdt": { memBwSchema: "L3:0=f", schemata: ["a\nb"] } },
    '/linux/intelRdt/memBwSchema: must be one line that starts with "MB:"',
    "/linux/intelRdt/schemata/0: must not contain newlines",
  ],
]);

Deno.test("validateSpec() warns of what is ignored", () => {
  const report = validateSpec(changed({
    "linux.cgroupsPath": "a/../b",
    "linux.intelRdt": { l3CacheSchema: "0=f" },
    "linux.personality": { domain: "LINUX", flags: ["X"] },
    "linux.resources.memory": { kernel: 1, kernelTCP: 1 },
  }));
  assertEquals(lines(report.errors), []);
  assertEquals(lines(report.warnings), [
    '/linux/cgroupsPath: has "..", which does not lead above "/"',
    "/linux/personality/flags: ignoring unsupported personality flags",
    '/linux/intelRdt/l3CacheSchema: should be one line that starts with "L3:"',
    "/linux/resources/memory/kernel: kernel memory settings are ignored",
    "/linux/resources/memory/kernelTCP: kernel memory settings are ignored",
  ]);
});
