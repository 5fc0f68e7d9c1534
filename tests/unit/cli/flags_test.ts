import { assertEquals, assertThrows } from "@std/assert";
import { type Flags, HelpWanted, parseDuration, parseFlags } from "../../../cli/flags.ts";
import { RunoError } from "../../../core/error.ts";

const TABLE = {
  bundle: { kind: "text", short: "b", help: "" },
  detach: { kind: "bool", short: "d", help: "" },
  "preserve-fds": { kind: "integer", help: "" },
  interval: { kind: "duration", help: "" },
  env: { kind: "list", short: "e", help: "" },
} as const satisfies Flags;

const NOTHING = { bundle: undefined, detach: undefined, "preserve-fds": undefined, interval: undefined, env: [] };

function parse(words: readonly string[], interspersed = true) {
  return parseFlags(words, TABLE, { interspersed });
}

Deno.test("parseFlags() takes one hyphen for two, and a value behind = or a blank", () => {
  for (const words of [["--bundle", "x"], ["-bundle", "x"], ["--bundle=x"], ["-bundle=x"], ["-b", "x"], ["-b=x"]]) {
    assertEquals(parse(words), { flags: { ...NOTHING, bundle: "x" }, args: [] });
  }
});

Deno.test("parseFlags() reads booleans alone or behind =", () => {
  const cases = [["-d", true], ["--detach=true", true], ["--detach=1", true], ["-d=T", true], [
    "-d=false",
    false,
  ]] as const;
  for (const [word, value] of cases) assertEquals(parse([word]).flags.detach, value);
  assertEquals(parse(["--detach", "false"]), { flags: { ...NOTHING, detach: true }, args: ["false"] });
});

Deno.test("parseFlags() lets the last value count, and keeps all of a list", () => {
  assertEquals(parse(["-b", "x", "-b", "y"]).flags.bundle, "y");
  assertEquals(parse(["-e", "A=1", "--env=B=2"]).flags.env, ["A=1", "B=2"]);
});

Deno.test("parseFlags() finds flags behind arguments only where they are not another program's", () => {
  assertEquals(parse(["id", "-d", "9"]), { flags: { ...NOTHING, detach: true }, args: ["id", "9"] });
  assertEquals(parse(["-d", "id", "sh", "-d", "-x"], false), {
    flags: { ...NOTHING, detach: true },
    args: ["id", "sh", "-d", "-x"],
  });
});

Deno.test("parseFlags() takes what it does not know for an argument behind the first argument", () => {
  assertEquals(parse(["id", "-9"]).args, ["id", "-9"]);
});

Deno.test("parseFlags() ends at --", () => {
  assertEquals(parse(["--", "-d", "id"]), { flags: NOTHING, args: ["-d", "id"] });
  assertEquals(parse(["id", "--", "-d"]).args, ["id", "-d"]);
  assertEquals(parse(["-"]).args, ["-"]);
});

Deno.test("parseFlags() refuses with the words of Go", () => {
  const cases: [string[], string][] = [
    [["--bogus"], "flag provided but not defined: -bogus"],
    [["-b"], "flag needs an argument: -b"],
    [["---"], "bad flag syntax: ---"],
    [["--=x"], "bad flag syntax: --=x"],
    [["--detach=x"], 'invalid boolean value "x" for -detach: parse error'],
    [["--preserve-fds", "x"], 'invalid value "x" for flag -preserve-fds: parse error'],
    [["--interval", "5"], 'invalid value "5" for flag -interval: parse error'],
  ];
  for (const [words, message] of cases) assertEquals(assertThrows(() => parse(words), RunoError).message, message);
});

Deno.test("parseFlags() wants help wherever it is asked for", () => {
  for (const words of [["-h"], ["--help"], ["-help"], ["id", "-h"], ["-b", "x", "--h"]]) {
    assertThrows(() => parse(words), HelpWanted);
  }
  assertEquals(parse(["id", "ps", "-h"], false).args, ["id", "ps", "-h"]);
});

Deno.test("parseDuration() reads what Go writes", () => {
  const cases: [string, number | undefined][] = [
    ["5s", 5000],
    ["100ms", 100],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["-2s", -2000],
    ["0", 0],
    ["500us", 0.5],
    ["5", undefined],
    ["", undefined],
    ["s", undefined],
    ["5 s", undefined],
  ];
  for (const [text, milliseconds] of cases) assertEquals(parseDuration(text), milliseconds, text);
});
