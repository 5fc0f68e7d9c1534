/** Configs for tests: the default one with changes, and tables of what is wrong with them. */

import { assertEquals } from "@std/assert";

import { defaultSpec } from "../../../../core/spec/defaults.ts";
import type { Problem } from "../../../../core/spec/problem.ts";
import type { IdMapping, Spec } from "../../../../core/spec/types.ts";
import { validateSpec } from "../../../../core/spec/validate.ts";

/** What to put where; `undefined` takes the key away. */
export type Changes = Readonly<Record<string, unknown>>;

/** The default config with some values replaced, by the names on the way: "process.rlimits.0.soft". */
export function changed(changes: Changes): Spec {
  const spec = JSON.parse(JSON.stringify(defaultSpec({ cgroupV2: true })));
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    const last = keys.pop()!;
    let holder = spec;
    for (const key of keys) holder = holder[key] ??= {};
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  }
  return spec;
}

/** Problems as lines. */
export function lines(problems: readonly Problem[]): string[] {
  return problems.map(({ pointer, message }) => `${pointer}: ${message}`);
}

/** One test over a table: every row is a change and the exact errors that follow from it. */
export function errors(name: string, rows: readonly (readonly [Changes, ...string[]])[]): void {
  Deno.test(`validateSpec() ${name}`, () => {
    for (const [changes, ...expected] of rows) {
      assertEquals(lines(validateSpec(changed(changes)).errors), expected, Deno.inspect(changes));
    }
  });
}

/** New namespaces of these types. */
export function namespaces(...types: readonly string[]): { type: string }[] {
  return types.map((type) => ({ type }));
}

/** One line of a map. */
export function map(containerID: number, hostID: number, size: number): IdMapping {
  return { containerID, hostID, size };
}

/** Ten mapped ids from zero on. */
export const both = { uidMappings: [map(0, 1000, 10)], gidMappings: [map(0, 1000, 10)] };

/** A new user namespace with them. */
export const userNamespace: Changes = {
  "linux.namespaces": namespaces("pid", "network", "ipc", "uts", "mount", "cgroup", "user"),
  "linux.uidMappings": both.uidMappings,
  "linux.gidMappings": both.gidMappings,
};
