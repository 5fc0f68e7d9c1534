import { assertEquals, assertMatch } from "@std/assert";
import { goJson, goQuote, jsonRecord, Log, rfc3339, terminalRecord, textRecord } from "../../../core/log.ts";

const time = new Date(Date.UTC(2024, 0, 2, 3, 4, 5));

Deno.test("textRecord() shows the details of debug records alone", () => {
  const record = (level: "debug" | "error") =>
    textRecord({ level, message: "done", time, details: { at: "1.5ms", took: undefined, by: "a b" } });
  assertEquals(record("debug").replace(/^time="[^"]+" /, ""), 'level=debug msg=done at=1.5ms by="a b"\n');
  assertEquals(record("error").replace(/^time="[^"]+" /, ""), "level=error msg=done\n");
});

Deno.test("textRecord() quotes what is no plain word", () => {
  const record = (message: string) => textRecord({ level: "error", message, time }).replace(/^time="[^"]+" /, "");
  assertEquals(record("container does not exist"), 'level=error msg="container does not exist"\n');
  assertEquals(record("plain-word_1/x.y@z^+"), "level=error msg=plain-word_1/x.y@z^+\n");
  assertEquals(record(""), "level=error msg=\n");
  assertEquals(record('exec: "sh"\n'), 'level=error msg="exec: \\"sh\\"\\n"\n');
});

Deno.test("jsonRecord() sorts its keys and leaves out what is not there", () => {
  const details = { syscall: "openat", errno: "ENOENT", hint: undefined };
  const record = jsonRecord({ level: "error", message: "a <b> & c", details, time });
  assertMatch(
    record,
    /^\{"errno":"ENOENT","level":"error","msg":"a \\u003cb\\u003e \\u0026 c","syscall":"openat","time":"2024-[^"]+"\}\n$/,
  );
});

Deno.test("rfc3339() has whole seconds and the offset of the place", () => {
  const text = rfc3339(time);
  assertMatch(text, /^2024-01-0\dT\d\d:\d\d:05(Z|[+-]\d\d:\d\d)$/);
  assertEquals(new Date(text).getTime(), time.getTime());
});

Deno.test("terminalRecord() pads the message", () => {
  const record = terminalRecord({ level: "error", message: "no", seconds: 7 });
  assertEquals(record, `\x1b[31mERRO\x1b[0m[0007] no${" ".repeat(43)}\n`);
});

Deno.test("goQuote() escapes as Go does", () => {
  const cases: [string, string][] = [
    ["a b", '"a b"'],
    ["\t\r\x07", '"\\t\\r\\a"'],
    ["\x00\x1f", '"\\x00\\x1f"'],
    ["\u00e4\u65e5", '"\u00e4\u65e5"'],
    ["\u200b\u00a0", '"\\u200b\\u00a0"'],
    ["\u{e0001}", '"\\U000e0001"'],
  ];
  for (const [text, quoted] of cases) assertEquals(goQuote(text), quoted);
});

Deno.test("goJson() escapes what HTML would read", () => {
  assertEquals(goJson({ a: "<&>\u2028" }), '{"a":"\\u003c\\u0026\\u003e\\u2028"}');
});

Deno.test("Log() adds to its file and leaves out what is too talkative", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, "before\n");
    const log = new Log({ path, format: "json", level: "warning" });
    assertEquals(log.onStderr, false);
    for (const level of ["debug", "info", "warning", "error"] as const) log.write(level, level);
    const [before, ...records] = Deno.readTextFileSync(path).trimEnd().split("\n");
    assertEquals(before, "before");
    assertEquals(records.map((record) => JSON.parse(record).msg), ["warning", "error"]);
  } finally {
    Deno.removeSync(path);
  }
});
