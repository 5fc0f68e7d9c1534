import { assertEquals } from "@std/assert";

import { addressOf, allocate, cString, stringTable } from "../../../ffi/memory.ts";

Deno.test("cString() is UTF-8 with a zero at its end", () => {
  assertEquals([...cString("")], [0]);
  assertEquals([...cString("é")], [0xc3, 0xa9, 0]);
});

Deno.test("allocate() gives zeroes", () => {
  assertEquals(allocate(5), new Uint8Array(5));
});

Deno.test("addressOf() is where the bytes are", () => {
  const bytes = cString("here");
  const pointer = Deno.UnsafePointer.create(addressOf(bytes))!;
  assertEquals(new Deno.UnsafePointerView(pointer).getCString(), "here");
});

Deno.test("stringTable() is a table of addresses that ends with NULL", () => {
  const { table, keep } = stringTable(["one", "two"]);
  const addresses = new BigUint64Array(table.buffer);
  const read = (n: number) => new Deno.UnsafePointerView(Deno.UnsafePointer.create(addresses[n]!)!).getCString();
  assertEquals([read(0), read(1), addresses[2]], ["one", "two", 0n]);
  assertEquals(keep.length, 2);
});
