import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";

import { RunoError } from "../../../core/error.ts";
import { findCriu, parseVersion, versionNumber } from "../../../criu/version.ts";
import { type Answer, FakeCriu } from "./support/fake_criu.ts";

function version(answer: Answer, printed?: string): FakeCriu {
  return new FakeCriu({ answers: { VERSION: answer }, ...printed === undefined ? {} : { printed } });
}

function answered(parts: Record<string, number | string>): Answer {
  return [{ type: "VERSION", success: true, version: parts }] as unknown as Answer;
}

Deno.test("versionNumber() counts a build between releases as the next one", () => {
  const parts = { majorNumber: 3, minorNumber: 11, sublevel: 2, gitid: "" };
  assertEquals(versionNumber(parts), 31102);
  assertEquals(versionNumber({ ...parts, gitid: "v3.11-123-gabc" }), 31200);
});

Deno.test("parseVersion() reads what criu -V prints", () => {
  assertEquals(parseVersion("Version: 3.17.1\n"), 31701);
  assertEquals(parseVersion("Version: 4.2\n"), 40200);
  assertEquals(parseVersion("Version: 3.11\nGitID: v3.11-12-gdeadbee\n"), 31200);
  assertEquals(parseVersion("criu: not found"), undefined);
});

Deno.test("findCriu() asks by RPC with two bytes, and once for each process", () => {
  using criu = version(answered({ majorNumber: 4, minorNumber: 2, sublevel: 1 }));
  assertEquals(findCriu(criu.path), { path: criu.path, version: 40201 });
  assertEquals(findCriu(criu.path).version, 40201);
  const [asked, ...more] = criu.asked();
  assertEquals(asked?.args, ["swrk", "3"]);
  assertEquals(asked?.bytes, "080a");
  assertEquals(more, []);
});

Deno.test("findCriu() takes a build after 3.11 for 3.12", () => {
  using criu = version(answered({ majorNumber: 3, minorNumber: 11, gitid: "v3.11-1-gabc" }));
  assertEquals(findCriu(criu.path).version, 31200);
});

Deno.test("findCriu() falls back to criu -V when the request fails, and asks no third time", () => {
  using criu = version([{ type: "VERSION", success: false }], "Version: 3.5.2");
  assertEquals(findCriu(criu.path).version, 30502);
  assertEquals(findCriu(criu.path).version, 30502);
  assertEquals(criu.asked().map(({ args }) => args[0]), ["swrk", "-V"]);
});

Deno.test("findCriu() refuses an old one with runc's words", () => {
  using criu = version([{ type: "VERSION", success: false }], "Version: 1.5");
  const error = assertThrows(() => findCriu(criu.path), RunoError, "CRIU version 10500 must be 30000 or higher");
  assertEquals(error.kind, "unsupported");
});

Deno.test("findCriu() says what a CRIU said that cannot run", () => {
  const say = "criu: error while loading shared libraries: libnet.so.9";
  using criu = version({ exit: 127, say }, say);
  assertThrows(() => findCriu(criu.path), RunoError, say);
});

Deno.test("findCriu() without one names the way out", () => {
  const error = assertThrows(
    () => findCriu("criu-that-is-nowhere"),
    RunoError,
    '"criu-that-is-nowhere" not found in PATH',
  );
  assertStringIncludes(error.message, "--criu");
});
