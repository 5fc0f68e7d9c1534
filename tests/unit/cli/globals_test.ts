import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "../../../cli/flags.ts";
import { GLOBAL_FLAGS, hostOptions, logOptions, salvagedLogOptions } from "../../../cli/globals.ts";
import { RunoError } from "../../../core/error.ts";

const CALLER = { argv0: "runo", program: "runo" };

function flags(...words: string[]) {
  return parseFlags(words, GLOBAL_FLAGS, { interspersed: false }).flags;
}

function host(...words: string[]) {
  return hostOptions(flags(...words), CALLER, { warn: () => {} });
}

Deno.test("logOptions() logs errors to stderr unless told otherwise", () => {
  assertEquals(logOptions(flags()), { path: undefined, format: "text", level: "warning" });
  assertEquals(logOptions(flags("--log", "/dev/stderr")).path, undefined);
  assertEquals(logOptions(flags("--log", "", "--debug")), { path: undefined, format: "text", level: "debug" });
  assertEquals(logOptions(flags("--log=x", "--log-format", "json", "--log-level=WARN")), {
    path: `${Deno.cwd()}/x`,
    format: "json",
    level: "warning",
  });
});

Deno.test("logOptions() refuses what it does not know", () => {
  assertEquals(assertThrows(() => logOptions(flags("--log-format=x")), RunoError).message, "invalid log-format: x");
  assertThrows(() => logOptions(flags("--log-level=x")), RunoError, "invalid log-level: x");
});

Deno.test("salvagedLogOptions() finds the log wherever it stands", () => {
  const json = { path: "/l", format: "json", level: "warning" } as const;
  assertEquals(salvagedLogOptions(["--bogus", "--log", "/l", "--log-format", "json"]), json);
  assertEquals(salvagedLogOptions(["-log=/l", "-log-format=json", "--bogus"]), json);
  assertEquals(salvagedLogOptions(["--log"]), { path: undefined, format: "text", level: "warning" });
  assertEquals(salvagedLogOptions(["--log-format=json"]), { path: undefined, format: "json", level: "warning" });
});

Deno.test("hostOptions() knows who makes the cgroups", () => {
  assertEquals(host("--root=/r").cgroupManager, "cgroupfs");
  assertEquals(host("--root=/r", "--systemd-cgroup").cgroupManager, "systemd");
  assertEquals(host("--root=/r", "--systemd-cgroup=false").cgroupManager, "cgroupfs");
  assertEquals(host("--root=/r", "--cgroup-manager", "disabled").cgroupManager, "disabled");
  assertThrows(() => host("--root=/r", "--cgroup-manager=x"), RunoError, "invalid cgroup-manager: x");
});

Deno.test("hostOptions() makes the root absolute, and refuses the root of all", () => {
  assertEquals(host("--root", "a/../b").root, `${Deno.cwd()}/b`);
  for (const root of ["/", "//", "/x/.."]) assertThrows(() => host("--root", root), RunoError, "--root");
});

Deno.test("hostOptions() reads --rootless as runc", () => {
  const cases: [string, "auto" | boolean][] = [["auto", "auto"], ["", "auto"], ["true", true], ["0", false]];
  for (const [text, value] of cases) assertEquals(host("--root=/r", `--rootless=${text}`).rootless, value);
  assertThrows(() => host("--root=/r", "--rootless=x"), RunoError, "invalid rootless: x");
});
