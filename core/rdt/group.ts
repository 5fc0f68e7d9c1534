/** The group of a container in resctrl: its class of service, and its monitoring group. */

import { errnoOf, RunoError } from "../error.ts";
import type { IntelRdt } from "../spec/types.ts";
import { isDirectory, type Resctrl } from "./resctrl.ts";
import { readSchemata, satisfies, wantedLines, writeSchemata } from "./schemata.ts";

/** Where the processes of a container are written down. */
export interface RdtPaths {
  /** Directory of the class of service. */
  readonly path: string;
  /** Directory of the monitoring group. */
  readonly monPath?: string | undefined;
}

/**
 * Refuses a config that this machine cannot follow.
 * @throws {RunoError} `unsupported`, in runc's words
 */
export function checkRdt(resctrl: Resctrl | undefined, rdt: IntelRdt): asserts resctrl is Resctrl {
  const refuse = (what: string, name: string) => {
    throw new RunoError(`${what} is specified in config, but Intel RDT${name} enabled`, {
      kind: "unsupported",
      pointer: "/linux/intelRdt",
      hint: "does the CPU have it, and is resctrl mounted? mount -t resctrl resctrl /sys/fs/resctrl",
    });
  };
  if (resctrl === undefined) return refuse("intelRdt", " is not supported or");
  if (rdt.l3CacheSchema && !resctrl.cat) refuse("intelRdt.l3CacheSchema", "/CAT is not");
  if (rdt.memBwSchema && !resctrl.mba) refuse("intelRdt.memBwSchema", "/MBA is not");
  if (wantsMonitoring(rdt) && !resctrl.monitoring) refuse("intelRdt.enableMonitoring", " monitoring is not");
}

function wantsMonitoring({ enableMonitoring, enableCMT, enableMBM }: IntelRdt): boolean {
  return enableMonitoring === true || enableCMT === true || enableMBM === true;
}

/** The group of a container that is being made. */
export class RdtGroup implements RdtPaths {
  readonly path: string;
  readonly monPath: string | undefined;
  readonly #resctrl: Resctrl;
  readonly #rdt: IntelRdt;
  /** What `make()` has made, in its order. */
  readonly #made: string[] = [];

  /** @throws {RunoError} as `checkRdt()` */
  constructor(resctrl: Resctrl | undefined, rdt: IntelRdt, id: string) {
    checkRdt(resctrl, rdt);
    const { closID = "" } = rdt;
    this.#resctrl = resctrl;
    this.#rdt = rdt;
    // "/" is the default class, the root itself
    this.path = closID === "/" ? resctrl.root : `${resctrl.root}/${closID === "" ? id : closID}`;
    this.monPath = wantsMonitoring(rdt) ? `${this.path}/mon_groups/${id}` : undefined;
  }

  /** Directories to remove with the container, in the order of their making: a class that has a name is others' too. */
  get own(): readonly string[] {
    const { closID = "" } = this.#rdt;
    return [...closID === "" ? [this.path] : [], ...this.monPath === undefined ? [] : [this.monPath]];
  }

  /** Makes it and puts a process into it. @throws {RunoError} and nothing is left behind */
  make(pid: number): void {
    try {
      this.#makeClass();
      if (this.monPath !== undefined) this.#makeDirectory(this.monPath);
      joinGroup(this, pid);
    } catch (error) {
      try {
        this.remove();
      } catch {
        // what was the first error stays the error
      }
      throw error;
    }
  }

  #makeClass(): void {
    const { path } = this, lines = wantedLines(this.#rdt), { closID = "" } = this.#rdt;
    const isThere = isDirectory(path);
    if (!isThere && closID !== "" && lines.length === 0) {
      throw new RunoError(`clos dir not accessible (must be pre-created when there are no schemata): "${path}"`, {
        kind: "invalid",
        pointer: "/linux/intelRdt/closID",
      });
    }
    // runtime-spec config-linux.md, "IntelRdt": a class that exists must be as the config says
    if (isThere && closID !== "" && !satisfies(readSchemata(path), lines)) {
      throw new RunoError(`class of service "${closID}" exists with other schemata than "${lines.join("\\n")}"`, {
        kind: "invalid",
        pointer: "/linux/intelRdt/closID",
      });
    }
    if (!isThere) this.#makeDirectory(path);
    if (!isThere || closID === "") writeSchemata(this.#resctrl.root, path, lines);
  }

  #makeDirectory(path: string): void {
    try {
      Deno.mkdirSync(path, { mode: 0o755 });
      this.#made.push(path);
    } catch (error) {
      if (errnoOf(error) === "EEXIST") return;
      const hint = errnoOf(error) === "ENOSPC" ? "all classes of service of the CPU are in use" : undefined;
      throw new RunoError(`making RDT group "${path}"`, { cause: error, hint });
    }
  }

  /** Takes back what was made. */
  remove(): void {
    removeGroups(this.#made);
    this.#made.length = 0;
  }
}

/** Puts a process into a group; those that it starts later follow it. @throws {RunoError} */
export function joinGroup({ path, monPath }: RdtPaths, pid: number): void {
  for (const directory of monPath === undefined ? [path] : [path, monPath]) {
    try {
      Deno.writeTextFileSync(`${directory}/tasks`, String(pid));
    } catch (error) {
      throw new RunoError(`putting process ${pid} into RDT group "${directory}"`, { cause: error });
    }
  }
}

/** Removes groups, the last made first; none is fine. @throws {RunoError} */
export function removeGroups(paths: readonly string[]): void {
  for (const path of paths.toReversed()) {
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw new RunoError(`removing RDT group "${path}"`, { cause: error });
    }
  }
}
