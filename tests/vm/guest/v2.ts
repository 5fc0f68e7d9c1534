/** What the kernel says about the cgroup of a sandbox on a machine with a pure cgroup v2; and `update`. */

import type { Resources } from "../../../core/spec/types.ts";
import type { Sandbox } from "../../root/harness.ts";

export const ROOT = "/sys/fs/cgroup";
export const MIB: number = 1 << 20;

/** One of the cgroup's files. */
export function file(box: Sandbox, name: string): string {
  return Deno.readTextFileSync(`${ROOT}${box.cgroup}/${name}`).trimEnd();
}

/** Several of them. */
export function files(box: Sandbox, expected: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, file(box, name)]));
}

/** A file for `update --resources`. */
export function written(box: Sandbox, resources: Resources): string {
  const path = `${box.dir}/resources.json`;
  Deno.writeTextFileSync(path, JSON.stringify(resources));
  return path;
}

export async function update(box: Sandbox, resources: Resources): Promise<void> {
  await box.ok("update", "--resources", written(box, resources), box.id);
}
