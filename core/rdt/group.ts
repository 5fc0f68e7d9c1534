/**
 * The group of a container in resctrl: its class of service (a directory with shares of cache and bandwidth), and its
 * monitoring group in that when it is counted apart.
 *
 * Several containers may be in one class. It goes with the container only when it is the container's own: made by runo,
 * and not named by the config.
 */

import { RunoError } from "../error.ts";
import type { IntelRdt } from "../spec/types.ts";
import { exists, makeDirectory, readIfThere, removeDirectory, writeText } from "./files.ts";
import { lockResctrl } from "./lock.ts";
import { checkedResctrl, type Resctrl, wantsMonitoring } from "./resctrl.ts";
import { differentShare, readSchemata, wantedLines, writeSchemata } from "./schemata.ts";

/** Where the processes of a container are written down. */
export interface RdtPaths {
  /** Directory of the class of service. */
  readonly path: string;
  /** Directory of the monitoring group. */
  readonly monPath?: string | undefined;
}

/** The group of a container that is being made. */
export class RdtGroup implements RdtPaths {
  readonly path: string;
  readonly monPath: string | undefined;
  readonly #resctrl: Resctrl;
  readonly #rdt: IntelRdt;
  readonly #lines: readonly string[];
  /** Whether there is, or is going to be, what nobody has made before. */
  #isNewClass: boolean;
  #isNewMonitor: boolean;
  /** What has been made, in its order. */
  readonly #made: string[] = [];

  /**
   * @param resctrl undefined when the host has none
   * @throws {RunoError} `unsupported` when the host cannot do what the config asks for
   */
  constructor(resctrl: Resctrl | undefined, rdt: IntelRdt, id: string) {
    this.#resctrl = checkedResctrl(rdt, resctrl);
    this.#rdt = rdt;
    this.#lines = wantedLines(rdt);
    this.path = classPath(this.#resctrl.root, rdt.closID || id);
    this.monPath = wantsMonitoring(rdt) ? `${this.path}/mon_groups/${id}` : undefined;
    this.#isNewClass = !exists(this.path);
    this.#isNewMonitor = this.monPath !== undefined && !exists(this.monPath);
    if (this.#isNewClass && this.#isNamed && this.#lines.length === 0) throw this.#notPrepared();
  }

  /** Whether the config names the class. Such a one is others' too. */
  get #isNamed(): boolean {
    return (this.#rdt.closID ?? "") !== "";
  }

  /** A class that is named, and nothing said about it, has been made by somebody: runtime-spec config-linux.md, "IntelRdt". */
  #notPrepared(): RunoError {
    // the first words are runc's
    return new RunoError(`clos dir not accessible: there is no "${this.path}"`, {
      kind: "invalid",
      pointer: "/linux/intelRdt/closID",
      hint: "it must be there when l3CacheSchema, memBwSchema and schemata are empty",
    });
  }

  /**
   * Directories to remove with the container, in the order of their making; who made them cannot be seen later. Before
   * anything is made these are the ones to be.
   */
  get own(): readonly string[] {
    return [
      ...this.#isNewClass && !this.#isNamed ? [this.path] : [],
      ...this.#isNewMonitor && this.monPath !== undefined ? [this.monPath] : [],
    ];
  }

  /** Makes the class, and gives it its shares. @throws {RunoError} and nothing is left behind */
  create(): void {
    using _turn = lockResctrl(this.#resctrl.root);
    this.#isNewClass = this.#make(this.path);
    if (!this.#isNewClass && this.#isNamed) return this.#checkShares();
    try {
      writeSchemata(this.path, this.#lines);
    } catch (error) {
      if (this.#isNewClass) removeDirectory(this.path);
      throw error;
    }
  }

  #make(path: string): boolean {
    const isNew = makeDirectory(path);
    if (isNew) this.#made.push(path);
    return isNew;
  }

  /** What is others' too is not changed. */
  #checkShares(): void {
    if (this.#lines.length === 0) return;
    const step = BigInt(readIfThere(`${this.#resctrl.root}/info/MB/bandwidth_gran`) ?? 0);
    const share = differentShare(this.#lines, readSchemata(this.path), step);
    if (share === undefined) return;
    throw new RunoError(`intelRdt of the config does not match "${this.path}/schemata" in ${share}`, {
      kind: "invalid",
      pointer: "/linux/intelRdt",
      hint: "a class that exists is not changed: name another in closID",
    });
  }

  /** Puts a process into it; those that it starts follow. Twice is fine. @throws {RunoError} */
  enter(pid: number): void {
    if (this.monPath !== undefined && this.#make(this.monPath)) this.#isNewMonitor = true;
    joinGroup(this, pid);
  }

  /** Takes back what was made, a class that has a name only while nobody else is in it. @throws {RunoError} */
  remove(): void {
    const inUse = this.#isNamed && (readIfThere(`${this.path}/tasks`) ?? "") !== "";
    removeGroups(this.#made.filter((path) => !(inUse && path === this.path)));
    this.#made.length = 0;
  }
}

/** "/" is the default class, the root itself. */
function classPath(root: string, name: string): string {
  return name === "/" ? root : `${root}/${name}`;
}

/** Puts a process into a group; those that it starts later follow it. @throws {RunoError} */
export function joinGroup({ path, monPath }: RdtPaths, pid: number): void {
  writeText(`${path}/tasks`, `${pid}`);
  // after the class: only its tasks may be in a monitoring group of it
  if (monPath !== undefined) writeText(`${monPath}/tasks`, `${pid}`);
}

/** The same where somebody may have removed the group: then the process stays where it is. @throws {RunoError} */
export function joinGroupIfThere({ path, monPath }: RdtPaths, pid: number): void {
  if (!exists(path)) return;
  joinGroup({ path, monPath: monPath !== undefined && exists(monPath) ? monPath : undefined }, pid);
}

/** Removes groups, the last made first; none is fine. @throws {RunoError} */
export function removeGroups(paths: readonly string[]): void {
  paths.toReversed().forEach(removeDirectory);
}
