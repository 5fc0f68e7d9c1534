/** The container's cgroup, between the config and core/cgroup: where it is, what goes into it, what the container sees of it. */

import { inUserNamespace } from "./credentials.ts";
import { createCgroup, type MadeCgroup, unmakeCgroup } from "../cgroup/create.ts";
import { cgroupPaths, type Layout, ownDirectory, readLayout } from "../cgroup/layout.ts";
import { checkLimits } from "../cgroup/limits.ts";
import type { Cgroup } from "../cgroup/paths.ts";
import type { RunoError } from "../error.ts";
import type { CgroupDirectories } from "../plan/cgroup.ts";
import { type HostFacts, isNew } from "../plan/inputs.ts";
import type { DeviceRule, Resources, Spec } from "../spec/types.ts";
import { cgroupMounts, hasWritableCgroupMount } from "./cgroup_mounts.ts";
import type { CreateOptions } from "./options.ts";
import { defaultDevices, deviceTypeName } from "./runc_cgroup.ts";
import { directoriesOf, outOfMemory } from "./recorded_cgroup.ts";

/** What a creation does with a cgroup, whoever makes it. */
export interface CgroupToBe {
  /** Directories by controller, for state.json. */
  readonly paths: Readonly<Record<string, string>>;
  /** What init enters. */
  readonly directories: CgroupDirectories;
  /** What a process enters that joins the container before it runs. */
  readonly joining: CgroupDirectories;
  /** What a mount of type cgroup shows. */
  readonly mounts: HostFacts["cgroups"];
  /** Makes it and sets its limits. @throws {RunoError} and nothing is left behind */
  create(): void;
  /** Makes it with this process in it, when init asks for that. @throws {RunoError} */
  enter(pid: number): void;
  /** Removes what has been made. */
  remove(): void;
  /** The error for an init that died for want of memory. */
  outOfMemory(): RunoError | undefined;
}

/** The cgroup of a container that is being created. What it tells of paths changes when `create()` could not make all. */
export class CgroupPlan implements CgroupToBe {
  readonly #spec: Spec;
  readonly #options: CreateOptions;
  readonly #rootless: boolean;
  readonly #layout: Layout;
  readonly #wanted: Cgroup;
  #made: MadeCgroup | undefined;

  /** @throws {RunoError} when the limits of the config cannot be set on this host */
  constructor(spec: Spec, options: CreateOptions, rootless: boolean) {
    this.#spec = spec;
    this.#options = options;
    this.#rootless = rootless;
    this.#layout = readLayout();
    this.#wanted = wantedCgroup(this.#layout, spec, options);
    if (this.#isOwn) checkLimits(this.#wanted, resourcesOf(spec));
  }

  /** False when the container stays in the cgroup of its creator. */
  get #isOwn(): boolean {
    return this.#options.cgroupManager !== "disabled";
  }

  get paths(): Readonly<Record<string, string>> {
    return (this.#made ?? this.#wanted).paths;
  }

  get directories(): CgroupDirectories {
    return directoriesOf(this.paths);
  }

  get joining(): CgroupDirectories {
    return this.directories;
  }

  get mounts(): HostFacts["cgroups"] {
    return cgroupMounts(this.#layout, this.paths, this.#spec);
  }

  create(): void {
    if (!this.#isOwn) return;
    const { v2 } = this.#layout;
    this.#made = createCgroup(this.#wanted, {
      resources: resourcesOf(this.#spec),
      unprivileged: this.#rootless || inUserNamespace(),
      optional: this.#rootless && (this.#spec.linux?.cgroupsPath ?? "") === "",
      own: v2 === undefined ? undefined : ownDirectory(v2),
      owner: cgroupOwner(this.#spec),
    });
    if (Object.keys(this.paths).length === 0 && !isNew(this.#spec, "pid")) {
      this.#options.warn(
        "the container has neither a cgroup nor a pid namespace of its own: its processes cannot all be found and " +
          "killed. Such configuration is strongly discouraged",
      );
    }
  }

  /** init enters by itself. */
  enter(): void {}

  remove(): void {
    if (this.#made !== undefined) unmakeCgroup(this.#made);
    this.#made = undefined;
  }

  outOfMemory(): RunoError | undefined {
    return this.#made === undefined ? undefined : outOfMemory(this.#made);
  }
}

function wantedCgroup(layout: Layout, spec: Spec, { id, cgroupManager }: CreateOptions): Cgroup {
  if (cgroupManager === "disabled") return { paths: {} };
  const cgroupsPath = spec.linux?.cgroupsPath;
  return { paths: cgroupPaths(layout, { id, ...cgroupsPath === undefined ? {} : { cgroupsPath } }) };
}

/** The limits of the config, and its rules for devices with those that every container gets after them. */
export function resourcesOf({ linux = {} }: Spec): Resources {
  const defaults = defaultDevices(linux.devices ?? []).map(({ rule }): DeviceRule => ({
    allow: rule.allow,
    type: deviceTypeName(rule.type),
    major: rule.major,
    minor: rule.minor,
    access: rule.permissions,
  }));
  return { ...linux.resources, devices: [...linux.resources?.devices ?? [], ...defaults] };
}

/** The user of the host to whom a cgroup is given that the container sees as its root, and may write to. */
export function cgroupOwner(spec: Spec): number | undefined {
  if (!isNew(spec, "cgroup") || !hasWritableCgroupMount(spec)) return undefined;
  const uid = spec.process?.user?.uid ?? 0;
  const { uidMappings = [] } = spec.linux ?? {};
  if (uidMappings.length === 0) return uid === 0 ? undefined : uid;
  const range = uidMappings.find(({ containerID, size }) => uid >= containerID && uid < containerID + size);
  return range === undefined ? undefined : range.hostID + uid - range.containerID;
}
