import { assertEquals } from "@std/assert";
import { deviceFilter } from "../../../../../core/cgroup/devices/filter.ts";
import type { DeviceRule } from "../../../../../core/spec/types.ts";

const FIELDS = [
  "r2 = *(u32 *)(r1 + 0)",
  "w2 &= 65535",
  "r3 = *(u32 *)(r1 + 0)",
  "w3 >>= 16",
  "r4 = *(u32 *)(r1 + 4)",
  "r5 = *(u32 *)(r1 + 8)",
];

const DENY: DeviceRule = { allow: false, access: "rwm" };

function text(rules: readonly DeviceRule[]): string[] {
  return deviceFilter(rules).map((instruction) => instruction.text);
}

Deno.test("deviceFilter() denies what no rule allows", () => {
  assertEquals(text([DENY]), [...FIELDS, "w0 = 0", "exit"]);
  assertEquals(text([{ allow: true, access: "rwm" }]), [...FIELDS, "w0 = 1", "exit"]);
});

Deno.test("deviceFilter() has a block for each rule, and checks no more than that rule says", () => {
  const rules: DeviceRule[] = [
    DENY,
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
    { allow: true, type: "c", major: 136, access: "rw" },
    { allow: true, type: "b", access: "m" },
  ];
  assertEquals(text(rules), [
    ...FIELDS,
    "if r2 != 1 goto +5",
    "w1 = w3",
    "w1 &= 1",
    "if r1 != r3 goto +2",
    "w0 = 1",
    "exit",
    "if r2 != 2 goto +4",
    "if r4 != 1 goto +3",
    "if r5 != 3 goto +2",
    "w0 = 1",
    "exit",
    "if r2 != 2 goto +6",
    "if r4 != 136 goto +5",
    "w1 = w3",
    "w1 &= 6",
    "if r1 != r3 goto +2",
    "w0 = 1",
    "exit",
    "w0 = 0",
    "exit",
  ]);
});

Deno.test("deviceFilter() denies an access of which any part is denied, as v1 does", () => {
  const rules: DeviceRule[] = [{ allow: true, access: "rwm" }, { allow: false, type: "b", major: 8, access: "w" }];
  assertEquals(text(rules), [
    ...FIELDS,
    "if r2 != 1 goto +6",
    "if r4 != 8 goto +5",
    "w1 = w3",
    "w1 &= 4",
    "if r1 == 0 goto +2",
    "w0 = 0",
    "exit",
    "w0 = 1",
    "exit",
  ]);
});

/** Runs the program as the kernel would: what is in the registers, and the answer. */
function decide(rules: readonly DeviceRule[], type: number, access: number, major: number, minor: number): number {
  const context = [(access << 16) | type, major, minor], r = new Uint32Array(11);
  const program = deviceFilter(rules);
  for (let at = 0;; at++) {
    const { code, dst, src, offset, imm } = program[at]!;
    if (code === 0x61) r[dst] = context[offset / 4]!;
    else if (code === 0x54) r[dst]! &= imm;
    else if (code === 0x74) r[dst]! >>>= imm;
    else if (code === 0xbc) r[dst] = r[src]!;
    else if (code === 0xb4) r[dst] = imm;
    else if (code === 0x15) at += r[dst] === imm ? offset : 0;
    else if (code === 0x55) at += r[dst] !== imm ? offset : 0;
    else if (code === 0x5d) at += r[dst] !== r[src] ? offset : 0;
    else return r[0]!;
  }
}

const BLOCK = 1, CHAR = 2, MKNOD = 1, READ = 2, WRITE = 4;

Deno.test("deviceFilter() decides as the rules say", () => {
  const rules: DeviceRule[] = [
    DENY,
    { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
    { allow: true, type: "b", access: "m" },
  ];
  assertEquals(decide(rules, CHAR, READ | WRITE, 1, 3), 1);
  assertEquals(decide(rules, CHAR, READ | MKNOD, 1, 3), 0);
  assertEquals(decide(rules, CHAR, READ, 1, 5), 0);
  assertEquals(decide(rules, BLOCK, READ, 1, 3), 0);
  assertEquals(decide(rules, BLOCK, MKNOD, 259, 7), 1);
  const but: DeviceRule[] = [{ allow: true, access: "rwm" }, { allow: false, type: "b", major: 8, access: "w" }];
  assertEquals([decide(but, BLOCK, READ, 8, 0), decide(but, BLOCK, READ | WRITE, 8, 0)], [1, 0]);
});
