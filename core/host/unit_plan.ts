/** The cgroup of a new container, made by systemd. */

import { completeCgroup, type MadeCgroup, unmakeCgroup } from "../cgroup/create.ts";
import { readValue, writeValue } from "../cgroup/files.ts";
import { cgroupPaths, type Layout } from "../cgroup/layout.ts";
import { checkLimits, wantedControllers } from "../cgroup/limits.ts";
import { annotatedProperties } from "../cgroup/systemd/annotations.ts";
import { type Place, Systemd } from "../cgroup/systemd/connection.ts";
import { deviceProperties } from "../cgroup/systemd/devices.ts";
import { limitProperties, type Property } from "../cgroup/systemd/properties.ts";
import { isSlice, type Unit, unitOf, unitPath } from "../cgroup/systemd/unit.ts";
import { startUnit, stopUnit } from "../cgroup/systemd/units.ts";
import { RunoError } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import type { HostFacts } from "../plan/inputs.ts";
import type { Spec } from "../spec/types.ts";
import { cgroupMounts } from "./cgroup_mounts.ts";
import { cgroupOwner, type CgroupToBe, resourcesOf } from "./cgroups.ts";
import { directoriesOf, outOfMemory } from "./recorded_cgroup.ts";
import type { CreateOptions } from "./options.ts";
import { cgroupVersion, defaultSlice, managerPath, ownPlace, supportedLayout } from "./systemd_place.ts";

const DROP_IN = "/etc/systemd/system/user@.service.d";

/** The unit of a container that is being created. systemd makes it around init, so init must exist before. */
export class UnitPlan implements CgroupToBe {
  readonly #spec: Spec;
  readonly #place: Place = ownPlace();
  readonly #layout: Layout;
  readonly #unit: Unit;
  readonly #annotated: readonly Property[];
  #paths: Readonly<Record<string, string>>;
  #started = false;
  #made: MadeCgroup | undefined;

  /** @throws {RunoError} when the config asks for what cannot be */
  constructor(spec: Spec, { id }: Pick<CreateOptions, "id">) {
    this.#spec = spec;
    this.#layout = supportedLayout(this.#place);
    this.#unit = unitOf(spec.linux?.cgroupsPath, { id, slice: defaultSlice(this.#place) });
    this.#annotated = annotatedProperties(spec.annotations);
    const cgroupsPath = `${managerPath(this.#place)}${unitPath(this.#unit)}`;
    this.#paths = cgroupPaths(this.#layout, { id, cgroupsPath });
    checkLimits({ paths: this.#paths }, resourcesOf(spec));
  }

  get paths(): Readonly<Record<string, string>> {
    return this.#paths;
  }

  get directories(): CgroupDirectories {
    // systemd of a user may only move processes of that user, which init is no more in its user namespace
    return { v1: [], v2: undefined, asking: this.#place.instance === "user" ? "parent" : "init" };
  }

  get joining(): CgroupDirectories {
    return this.#place.instance === "user" ? { v1: [], v2: undefined } : directoriesOf(this.#paths);
  }

  get mounts(): HostFacts["cgroups"] {
    return cgroupMounts(this.#layout, this.#paths, this.#spec);
  }

  create(): void {}

  enter(pid: number): void {
    using systemd = new Systemd(this.#place);
    if (this.#place.instance === "user") this.#checkDelegated();
    startUnit(systemd, this.#unit, pid, [...this.#limits(systemd), ...this.#annotated]);
    this.#started = true;
    this.#paths = locate(pid, this.#layout, this.#unit) ?? this.#paths;
    const cgroup = { paths: this.#paths };
    this.#made = completeCgroup(cgroup, {
      resources: resourcesOf(this.#spec),
      unprivileged: this.#place.instance === "user",
      optional: false,
      own: undefined,
      owner: cgroupOwner(this.#spec),
      // systemd's own filter, if it has attached one, is not to be replaced
      fresh: true,
    });
    // hierarchies of v1 that systemd leaves alone, and a slice, which it puts no process into
    if (this.#layout.kind !== "v2" || isSlice(this.#unit)) moveProcess(this.#paths, pid);
  }

  /** systemd of a user takes limits that it cannot set, without a word. */
  #checkDelegated(): void {
    const wanted = wantedControllers({ paths: this.#paths }, resourcesOf(this.#spec));
    const file = `${this.#layout.v2!.mountPoint}${managerPath(this.#place)}/cgroup.controllers`;
    const available = readValue(file).split(" ");
    const missing = wanted.filter((name) => !available.includes(name));
    if (missing.length === 0) return;
    throw new RunoError(
      `limits need controllers that are not delegated to user ${this.#place.uid}: ${missing.join(" ")}`,
      {
        kind: "unsupported",
        hint: `as root: mkdir -p ${DROP_IN} && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' > ` +
          `${DROP_IN}/delegate.conf && systemctl daemon-reload`,
      },
    );
  }

  #limits(systemd: Systemd): Property[] {
    const resources = resourcesOf(this.#spec);
    const limits = limitProperties(resources, {
      cgroup: cgroupVersion(this.#layout),
      version: () => systemd.version(),
    });
    // systemd of a user cannot filter devices, and neither can the user
    if (this.#place.instance === "user") return limits;
    return [...limits, ...deviceProperties(resources.devices ?? [], Deno.readTextFileSync("/proc/devices"))];
  }

  remove(): void {
    if (this.#started) {
      using systemd = new Systemd(this.#place);
      stopUnit(systemd, this.#unit);
    }
    if (this.#made !== undefined) unmakeCgroup(this.#made);
    this.#made = undefined;
    this.#started = false;
  }

  outOfMemory(): RunoError | undefined {
    return this.#made === undefined ? undefined : outOfMemory(this.#made);
  }
}

/** The cgroup that systemd has put a process into, on v2; undefined elsewhere and for a slice. */
function locate(pid: number, { kind, v2 }: Layout, unit: Unit): Record<string, string> | undefined {
  if (kind !== "v2" || isSlice(unit)) return undefined;
  const path = /^0::(\/.*)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/cgroup`))?.[1];
  return path === undefined ? undefined : { "": `${v2!.mountPoint}${path}` };
}

function moveProcess(paths: Readonly<Record<string, string>>, pid: number): void {
  for (const path of new Set(Object.values(paths))) writeValue(`${path}/cgroup.procs`, String(pid));
}
