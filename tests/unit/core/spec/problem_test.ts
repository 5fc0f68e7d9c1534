import { assertEquals } from "@std/assert";
import { at, describe } from "../../../../core/spec/problem.ts";

Deno.test("at() escapes keys as RFC 6901 says", () => {
  assertEquals(at("/linux/sysctl", "net/a~b", 0), "/linux/sysctl/net~1a~0b/0");
  assertEquals(at("", ""), "/");
});

Deno.test("describe() makes one line", () => {
  const problems = [{ pointer: "", message: "is odd" }, { pointer: "/a", message: "is bad" }];
  assertEquals(describe("f.json", problems), "f.json: is odd; /a: is bad");
});
