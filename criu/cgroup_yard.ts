/**
 * A cgroup yard, as CRIU calls it: a directory that shows the cgroup hierarchies by their names. Without one CRIU mounts each
 * of them anew for every dump and restore, and to mount that of v2 waits for a grace period of RCU (8 to 15 ms).
 */

import { type Hierarchy, type Layout, parseLayout } from "../core/cgroup/layout.ts";
import type { CgroupYard } from "../core/plan/criu.ts";
import { type Criu, SINCE } from "./version.ts";

/**
 * The yard to be made for a container.
 * @param dir its state directory
 * @returns undefined where CRIU takes no yard, or must mount a hierarchy itself: one that is not to be seen here as a whole
 * or not to be written to
 */
export function cgroupYard(dir: string, { version }: Criu): CgroupYard | undefined {
  if (version < SINCE.cgroupYard) return undefined;
  const own = Deno.readTextFileSync("/proc/self/cgroup");
  const hierarchies = nameHierarchies(parseLayout(Deno.readTextFileSync("/proc/self/mountinfo"), own), own);
  return hierarchies === undefined ? undefined : { directory: `${dir}/criu-cgroups`, hierarchies };
}

/**
 * The hierarchies by the names that CRIU looks for.
 * @param own /proc/self/cgroup, which names all that there are
 */
export function nameHierarchies({ v1, v2 }: Layout, own: string): CgroupYard["hierarchies"] | undefined {
  const named = new Map<string, string>();
  for (const line of own.split("\n")) {
    const [, controllers] = /^\d+:([^:]*):/.exec(line) ?? [];
    if (controllers === undefined) continue;
    const found = controllers === "" ? v2 : withControllers(v1, controllers);
    const name = controllers === "" ? "unified" : controllers.replace(/^name=/, "");
    // a named hierarchy may be called what a controller is
    if (found === undefined || found.root !== "/" || found.readOnly || named.has(name)) return undefined;
    named.set(name, found.mountPoint);
  }
  return named;
}

function withControllers(v1: readonly Hierarchy[], controllers: string): Hierarchy | undefined {
  return v1.find((hierarchy) => hierarchy.controllers.includes(controllers.split(",")[0]!));
}

/** A yard of links, for CRIU to open the hierarchies by. Disposing removes it. */
export class LinkedYard implements Disposable {
  readonly #directory: string;

  constructor({ directory, hierarchies }: CgroupYard) {
    this.#directory = directory;
    // one that a killed checkpoint has left
    this[Symbol.dispose]();
    Deno.mkdirSync(directory, { mode: 0o700 });
    for (const [name, mountPoint] of hierarchies) Deno.symlinkSync(mountPoint, `${directory}/${name}`);
  }

  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.#directory, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
