import { assertEquals, assertThrows } from "@std/assert";
import { RunoError } from "../../../../core/error.ts";
import { defaultSpec, formatSpec } from "../../../../core/spec/defaults.ts";
import { parseSpec } from "../../../../core/spec/parse.ts";
import { parseProcess } from "../../../../core/spec/parse_process.ts";
import { parseResources } from "../../../../core/spec/parse_resources.ts";
import { changed, type Changes } from "./config.ts";

const parse = (changes: Changes) => parseSpec(JSON.stringify(changed(changes)), "config.json");

function refused(changes: Changes): string {
  const error = assertThrows(() => parse(changes), RunoError);
  assertEquals(error.kind, "invalid");
  return error.message;
}

Deno.test("parseSpec() reads back what formatSpec() wrote", () => {
  const spec = defaultSpec({ cgroupV2: true });
  assertEquals(parseSpec(formatSpec(spec), "config.json"), spec);
});

Deno.test("parseSpec() names the place where the JSON breaks", () => {
  const error = assertThrows(() => parseSpec('{\n  "a": 1\n  "b": 2\n}', "/b/config.json"), RunoError);
  assertEquals(error.message, "/b/config.json: line 3, column 3: expected ',' or '}', found \"\\\"\"");
  assertEquals(error.kind, "invalid");
});

Deno.test("parseSpec() drops nulls, unknown fields and empty optional texts", () => {
  const spec = parse({
    hooks: null,
    hostname: "",
    "process.user.umask": null,
    "process.commandLine": "x",
    "linux.namespaces.0.path": "",
    windows: {},
    annotations: { a: "", b: null },
  });
  assertEquals(spec, changed({ hostname: undefined, annotations: { a: "" } }));
});

Deno.test("parseSpec() knows keys in other letters, as runc does", () => {
  const limits = [{ pagesize: "2MB", limit: 1 }, { pageSize: "4MB", PageSize: "1GB", limit: 2 }];
  const { linux, hostname } = parse({
    hostname: undefined,
    HostName: "x",
    "linux.resources": { hugepageLimits: limits, cpu: { shares: 100, cpus: "0" }, CPU: { Cpus: "1" } },
  });
  assertEquals(hostname, "x");
  assertEquals(linux?.resources, {
    hugepageLimits: [{ pageSize: "2MB", limit: 1 }, { pageSize: "1GB", limit: 2 }],
    cpu: { shares: 100, cpus: "1" },
  });
});

Deno.test("parseSpec() leaves the rules to assertValid() when the shape is right", () => {
  assertEquals(parse({ "process.cwd": "tmp" }).process?.cwd, "tmp");
});

Deno.test("parseSpec() takes an absent user id for 0", () => {
  assertEquals(parse({ "process.user": { uid: 7 } }).process?.user, { uid: 7, gid: 0 });
});

Deno.test("parseSpec() reports misshapen values together with broken rules", () => {
  assertEquals(
    refused({ "process.args": "sh", "process.user.uid": "0", "process.cwd": undefined, "root.path": "" }),
    "config.json: /process/cwd: must be set; /process/user/uid: must be an integer, not a string; " +
      "/process/args: must be an array, not a string; /root/path: must not be empty",
  );
});

Deno.test("parseSpec() checks types, ranges and required fields", () => {
  const rows: readonly [Changes, string][] = [
    [{ ociVersion: undefined }, "/ociVersion: must be set"],
    [{ hostname: 5 }, "/hostname: must be a string, not a number"],
    [{ process: [] }, "/process: must be an object, not an array"],
    [{ "process.terminal": "yes" }, "/process/terminal: must be a boolean, not a string"],
    [{ "process.user.uid": -1 }, "/process/user/uid: must be an integer from 0 to 4294967295"],
    [{ "process.user.gid": 1.5 }, "/process/user/gid: must be an integer, not 1.5"],
    [{ "process.env": ["A=1", null] }, "/process/env/1: must be a string, not null"],
    [{ "process.consoleSize": { height: 1 } }, "/process/consoleSize/width: must be set"],
    [{ "linux.sysctl": { "a/b": 1 } }, "/linux/sysctl/a~1b: must be a string, not a number"],
    [{ "linux.resources.cpu": { idle: {} } }, "/linux/resources/cpu/idle: must be an integer, not an object"],
  ];
  for (const [changes, expected] of rows) assertEquals(refused(changes), `config.json: ${expected}`);
});

Deno.test("parseSpec() wants an object", () => {
  const error = assertThrows(() => parseSpec("[]", "config.json"), RunoError);
  assertEquals(error.message, "config.json: must be an object, not an array");
});

Deno.test("parseSpec() keeps every bit where bits matter", () => {
  const text = formatSpec(changed({ "linux.seccomp": { defaultAction: "SCMP_ACT_ALLOW", syscalls: "RULES" } }))
    .replace('"hard": 1024', '"hard": 18446744073709551615')
    .replace(
      '"RULES"',
      '[{"names": ["openat"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 18446744073709551516, ' +
        '"valueTwo": 9007199254740991, "op": "SCMP_CMP_EQ"}]}]',
    );
  const spec = parseSpec(text, "config.json");
  assertEquals(spec.process?.rlimits, [{ type: "RLIMIT_NOFILE", hard: "18446744073709551615", soft: 1024 }]);
  assertEquals(spec.linux?.seccomp?.syscalls?.[0]?.args, [
    { index: 0, value: "18446744073709551516", op: "SCMP_CMP_EQ", valueTwo: 9007199254740991 },
  ]);
  assertEquals(parseSpec(JSON.stringify(spec), "state.json"), spec);
  assertEquals(formatSpec(spec).includes('"hard": 18446744073709551615'), true);
  assertEquals(formatSpec(spec).includes('"value": 18446744073709551516'), true);
});

Deno.test("parseSpec() reads long numbers elsewhere as numbers", () => {
  const text = '{"memory": {"limit": 9223372036854771712}, "hugepageLimits": [{"pageSize": "2MB", "limit": 1e3}]}';
  assertEquals(parseResources(text, "r.json"), {
    memory: { limit: 9223372036854771712 },
    hugepageLimits: [{ pageSize: "2MB", limit: 1000 }],
  });
  const error = assertThrows(() => parseResources('{"pids": {"limit": 9223372036854775808}}', "r.json"), RunoError);
  assertEquals(
    error.message,
    "r.json: /pids/limit: must be an integer from -9223372036854775808 to 9223372036854775807",
  );
});

Deno.test("parseSpec() takes an empty seccomp profile for none", () => {
  assertEquals("seccomp" in (parse({ "linux.seccomp": {} }).linux ?? {}), false);
  assertEquals(
    refused({ "linux.seccomp": { syscalls: [{}] } }),
    "config.json: /linux/seccomp/syscalls/0/names: must be set; /linux/seccomp/syscalls/0/action: must be set; " +
      '/linux/seccomp/defaultAction: string "" is not a valid action for seccomp',
  );
});

Deno.test("parseSpec() is not led astray by the names of prototypes", () => {
  const text = JSON.stringify(changed({})).replace('"root":', '"annotations":{"__proto__":"x"},"root":');
  assertEquals(Object.entries(parseSpec(text, "config.json").annotations ?? {}), [["__proto__", "x"]]);
});

Deno.test("parseProcess() reads a process file", () => {
  assertEquals(parseProcess('{"cwd": "/", "args": ["a"], "user": null}', "p.json"), { cwd: "/", args: ["a"] });
  const error = assertThrows(() => parseProcess('{"args": ["a"]}', "p.json"), RunoError);
  assertEquals(error.message, "p.json: /cwd: must be set");
});
