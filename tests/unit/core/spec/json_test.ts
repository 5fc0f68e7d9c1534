import { assertEquals, assertThrows } from "@std/assert";
import { JsonError, LongNumber, parseJson } from "../../../../core/spec/json.ts";

Deno.test("parseJson() says what it expected and where", () => {
  const rows: readonly [string, string][] = [
    ["", "line 1, column 1: expected a value, found the end of the file"],
    ['{"a": x}', 'line 1, column 7: expected a value, found "x"'],
    ['{"a": 01}', 'line 1, column 7: expected a value, found "0"'],
    ['{"a": nulls}', 'line 1, column 7: expected a value, found "n"'],
    ['{"a": 1', "line 1, column 8: expected ',' or '}', found the end of the file"],
    ['{"a" 1}', "line 1, column 6: expected ':', found \"1\""],
    ["{a: 1}", 'line 1, column 2: expected a name in double quotes, found "a"'],
    ['{"a": 1,}', 'line 1, column 9: expected a name in double quotes, found "}"'],
    ["[1,\n2,\n]", 'line 3, column 1: expected a value, found "]"'],
    ["[1 2]", "line 1, column 4: expected ',' or ']', found \"2\""],
    ['["a\nb"]', 'line 1, column 4: expected the end of a string, found "\\n"'],
    ['["a\\x"]', 'line 1, column 4: bad escape in a string, found "\\\\"'],
    ['"abc', "line 1, column 5: expected the end of a string, found the end of the file"],
    ["{} x", 'line 1, column 4: expected the end of the file, found "x"'],
  ];
  for (const [text, expected] of rows) assertEquals(assertThrows(() => parseJson(text), JsonError).message, expected);
});

Deno.test("parseJson() keeps the text of long integers only", () => {
  const text = '{"a": 18446744073709551615, "b": -1234567890123456, "c": 5, "d": "18446744073709551615", "e": 0.1}';
  assertEquals(parseJson(text), {
    a: new LongNumber("18446744073709551615"),
    b: new LongNumber("-1234567890123456"),
    c: 5,
    d: "18446744073709551615",
    e: 0.1,
  });
});
