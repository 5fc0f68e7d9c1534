import { assertEquals, assertThrows } from "@std/assert";
import { parseGVariant } from "../../../../../core/cgroup/systemd/gvariant.ts";

function parsed(text: string): [string, unknown] {
  const { signature, value } = parseGVariant(text);
  return [signature, value];
}

Deno.test("parseGVariant() reads plain values", () => {
  assertEquals(parsed("'inactive-or-failed'"), ["s", "inactive-or-failed"]);
  assertEquals(parsed(' "it\'s" '), ["s", "it's"]);
  assertEquals(parsed("true"), ["b", true]);
  assertEquals(parsed("123"), ["i", 123n]);
  assertEquals(parsed("-0x10"), ["i", -16n]);
  assertEquals(parsed("010"), ["i", 8n]);
  assertEquals(parsed("1.5e3"), ["d", 1500]);
  assertEquals(parsed("-inf"), ["d", -Infinity]);
});

Deno.test("parseGVariant() reads types given by words and signatures", () => {
  assertEquals(parsed("uint64 123456789"), ["t", 123456789n]);
  assertEquals(parsed("byte 0xff"), ["y", 255n]);
  assertEquals(parsed("@t 18446744073709551615"), ["t", 2n ** 64n - 1n]);
  assertEquals(parsed("objectpath '/a'"), ["o", "/a"]);
  assertEquals(parsed("double 3"), ["d", 3]);
  assertEquals(parsed("@as []"), ["as", []]);
  assertEquals(parsed("@a(ss) [('/dev/null', 'rw')]"), ["a(ss)", [["/dev/null", "rw"]]]);
});

Deno.test("parseGVariant() reads containers", () => {
  assertEquals(parsed("['a.service', 'b']"), ["as", ["a.service", "b"]]);
  assertEquals(parsed("[uint32 1, 2]"), ["au", [1n, 2n]]);
  assertEquals(parsed("[1, 2.5]"), ["ad", [1, 2.5]]);
  assertEquals(parsed("[('a', uint64 1), ('b', 2)]"), ["a(st)", [["a", 1n], ["b", 2n]]]);
  assertEquals(parsed("{'k': <uint32 1>, 'l': <'x'>}"), ["a{sv}", [["k", ["u", 1n]], ["l", ["s", "x"]]]]);
  assertEquals(parsed("b'ab'"), ["ay", [97, 98, 0]]);
  assertEquals(parsed("<[[1], []]>"), ["v", ["aai", [[1n], []]]]);
});

Deno.test("parseGVariant() reads escapes", () => {
  assertEquals(parsed(String.raw`'a\n\'\\A\U0001f600'`), ["s", "a\n'\\A\u{1f600}"]);
});

Deno.test("parseGVariant() says what it expected", () => {
  const refusals: [string, string][] = [
    ["", "expected a value at character 0"],
    ["nonsense", "expected a value at character 8"],
    ["'open", "expected a closing ' at character 6"],
    ["1 2", "expected the end at character 2"],
    ["[1, 2", 'expected "]" at character 5'],
    ["[]", 'the type of something empty must be given ("@as []")'],
    ["['a', 1]", 'the number 1 is not of type "s"'],
    ["uint64 -1", "the number -1 is out of range"],
    ["2147483648", "the number 2147483648 is out of range"],
    ["uint32 'a'", 'a string is not of type "u"'],
    ["@(su) ('a')", 'a tuple is not of type "(su)"'],
  ];
  for (const [text, message] of refusals) {
    assertEquals(assertThrows(() => parseGVariant(text), SyntaxError).message, message, text);
  }
});
