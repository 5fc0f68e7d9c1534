import { assertEquals } from "@std/assert";

import { enosysHead } from "../../../../core/host/enosys.ts";
import { SCMP_ARCH } from "../../../../ffi/libseccomp.ts";
import { SOCK_FILTER } from "../../../../ffi/structs.ts";
import { verdict } from "./bpf.ts";

const { SCMP_ARCH_X86_64: X86_64, SCMP_ARCH_X86: X86, SCMP_ARCH_X32: X32, SCMP_ARCH_AARCH64: AARCH64 } = SCMP_ARCH;
const ENOSYS = 0x50026, FILTER = 0x7fff0000, X32_BIT = 0x40000000;

/** The head in front of a filter that allows everything. */
function program(newest: ReadonlyMap<number, number>): Uint8Array {
  const head = enosysHead(newest), filter = SOCK_FILTER.pack({ code: 0x06, k: FILTER });
  const bytes = new Uint8Array(head.length + filter.length);
  bytes.set(head);
  bytes.set(filter, head.length);
  return bytes;
}

Deno.test("enosysHead() is empty when nothing is known", () => {
  assertEquals(enosysHead(new Map()).length, 0);
});

Deno.test("enosysHead() answers ENOSYS to newer calls alone, by architecture", () => {
  const filter = program(new Map([[X86_64, 334], [X86, 400], [AARCH64, 200]]));
  const of = (arch: number, ...numbers: number[]) => numbers.map((nr) => verdict(filter, { nr, arch }));
  assertEquals(of(X86_64, 0, 334, 335, 0xffffffff), [FILTER, FILTER, ENOSYS, FILTER]);
  assertEquals(of(X86, 0, 400, 401, 0xffffffff), [FILTER, FILTER, ENOSYS, ENOSYS]);
  assertEquals(of(AARCH64, 0, 200, 201, 0xffffffff), [FILTER, FILTER, ENOSYS, ENOSYS]);
});

Deno.test("enosysHead() leaves an architecture that it knows nothing of to the filter", () => {
  const filter = program(new Map([[X86_64, 334]]));
  assertEquals(verdict(filter, { nr: 1000, arch: X86 }), FILTER);
});

Deno.test("enosysHead() tells x32 from x86_64 by the bit in the number", () => {
  const both = program(new Map([[X86_64, 334], [X32, X32_BIT + 547]]));
  const of = (filter: Uint8Array, nr: number) => verdict(filter, { nr, arch: X86_64 });
  assertEquals([of(both, 334), of(both, 335)], [FILTER, ENOSYS]);
  assertEquals([of(both, X32_BIT + 547), of(both, X32_BIT + 548)], [FILTER, ENOSYS]);
  const own = program(new Map([[X86_64, 334]]));
  assertEquals([of(own, X32_BIT), of(own, 335)], [FILTER, ENOSYS]);
  const x32 = program(new Map([[X32, X32_BIT + 547]]));
  assertEquals([of(x32, 9999), of(x32, X32_BIT + 548)], [FILTER, ENOSYS]);
});
