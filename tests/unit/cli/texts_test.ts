import { assertEquals, assertThrows } from "@std/assert";
import { parseSignal } from "../../../core/host/signal_names.ts";
import { parseSize } from "../../../cli/size.ts";
import { textTable } from "../../../cli/table.ts";
import { absolutePath } from "../../../cli/paths.ts";
import { versionText } from "../../../cli/version.ts";
import { RunoError } from "../../../core/error.ts";

Deno.test("parseSignal() knows numbers and names", () => {
  const cases: [string, number][] = [
    ["9", 9],
    ["KILL", 9],
    ["SIGKILL", 9],
    ["sigterm", 15],
    ["Hup", 1],
    ["SYS", 31],
    ["RTMIN", 34],
    ["RTMIN+3", 37],
    ["SIGRTMIN+3", 37],
    ["rtmax-1", 63],
    ["RTMAX", 64],
  ];
  for (const [text, number] of cases) assertEquals(parseSignal(text), number, text);
});

Deno.test("parseSignal() refuses with runc's words", () => {
  for (const text of ["FOO", "SIG", "", "-", "RTMIN+31", "SIGSIGKILL"]) {
    assertEquals(assertThrows(() => parseSignal(text), RunoError).message, `unknown signal ${JSON.stringify(text)}`);
  }
});

Deno.test("parseSize() knows binary suffixes", () => {
  const cases: [string, number | undefined][] = [
    ["512", 512],
    ["64M", 67108864],
    ["64mb", 67108864],
    ["1.5GiB", 1610612736],
    ["2 k", 2048],
    ["0", 0],
    ["", undefined],
    ["-1", undefined],
    ["abc", undefined],
    ["1x", undefined],
  ];
  for (const [text, bytes] of cases) assertEquals(parseSize(text), bytes, text);
});

Deno.test("textTable() has columns of twelve or as wide as they need", () => {
  const table = textTable([["ID", "PID", "OWNER"], ["a-very-long-name", 7, "root"]]);
  assertEquals(table, "ID                 PID         OWNER\na-very-long-name   7           root\n");
});

Deno.test("absolutePath() is about text alone", () => {
  assertEquals(absolutePath("/a/./b/../c//d/"), "/a/c/d");
  assertEquals(absolutePath("x"), `${Deno.cwd()}/x`);
  assertEquals(absolutePath("/.."), "/");
});

Deno.test("versionText() says version on its first line alone", () => {
  const [first, ...rest] = versionText("runc").trimEnd().split("\n");
  assertEquals(first?.startsWith("runc version "), true);
  assertEquals(rest.filter((line) => line.includes("version")), []);
});
