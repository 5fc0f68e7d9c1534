import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { assertValid, validateSpec } from "../../../../core/spec/validate.ts";
import { assertValidProcess } from "../../../../core/spec/validate_process.ts";
import { assertValidResources } from "../../../../core/spec/validate_resources.ts";
import { changed, errors, lines } from "./config.ts";

Deno.test("validateSpec() finds nothing in the default config", () => {
  const { errors, warnings } = validateSpec(changed({}));
  assertEquals([errors, warnings], [[], []]);
});

errors("wants a process and a root", [
  [{ process: undefined }, "/process: process property must not be empty"],
  [{ root: undefined }, "/root: root must be specified"],
  [{ "root.path": "" }, "/root/path: must not be empty"],
]);

Deno.test("assertValid() names one problem", () => {
  const error = assertThrows(() => assertValid(changed({ "process.cwd": "tmp" }), "config.json"), RunoError);
  assertEquals(error.message, "config.json: /process/cwd: must be an absolute path");
  assertEquals(error.kind, "invalid");
});

Deno.test("assertValid() names all problems in one line", () => {
  const spec = changed({ "process.args": [], root: undefined });
  const error = assertThrows(() => assertValid(spec, "/b/config.json"), RunoError);
  assertEquals(error.message, "/b/config.json: /process/args: args must not be empty; /root: root must be specified");
});

Deno.test("assertValid() returns the warnings", () => {
  const warnings = assertValid(changed({ "linux.resources.memory": { kernel: 1 } }), "config.json");
  assertEquals(lines(warnings), ["/linux/resources/memory/kernel: kernel memory settings are ignored"]);
});

Deno.test("assertValidProcess() points into the process file", () => {
  const error = assertThrows(() => assertValidProcess({ cwd: "x", args: ["a"] }, "p.json"), RunoError);
  assertEquals(error.message, "p.json: /cwd: must be an absolute path");
});

Deno.test("assertValidResources() points into the resources file", () => {
  const error = assertThrows(() => assertValidResources({ pids: { limit: -5 } }, "r.json"), RunoError);
  assertEquals(error.message, "r.json: /pids/limit: must be -1 or more");
});
