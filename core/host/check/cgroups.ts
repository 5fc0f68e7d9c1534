/** `check`: where cgroups are, who makes them, and which limits they can have. */

import { effectiveIds } from "../credentials.ts";
import { cgroupPaths, type Layout, ownDirectory, readLayout } from "../../cgroup/layout.ts";
import { checkLimits, wantedControllers } from "../../cgroup/limits.ts";
import type { Cgroup } from "../../cgroup/paths.ts";
import { availableControllers } from "../../cgroup/v2/enable.ts";
import type { Resources, Spec } from "../../spec/types.ts";
import type { CgroupManager } from "../options.ts";
import { type Finding, Report } from "./finding.ts";
import { statOptional } from "./read.ts";

/** The host's cgroups, whatever the config. */
export function checkCgroups(manager: CgroupManager): Finding[] {
  const report = new Report("cgroups");
  const layout = readLayout();
  describe(layout, report);
  if (manager === "systemd" && statOptional("/run/systemd/system") === undefined) {
    report.error("systemd does not run here", { hint: "leave out --systemd-cgroup" });
  }
  if (effectiveIds().euid !== 0) checkDelegation(layout, report);
  return report.findings;
}

function describe(layout: Layout, report: Report): void {
  const { kind, v1, v2 } = layout;
  const names = { v1: "version 1", hybrid: "version 1, with version 2 for processes alone", v2: "version 2" };
  if (v1.length === 0 && v2 === undefined) {
    return report.error("no cgroups are mounted", { hint: "mount -t cgroup2 cgroup2 /sys/fs/cgroup" });
  }
  const controllers = kind === "v2"
    ? availableControllers(ownDirectory(v2!))
    : v1.flatMap((hierarchy) => hierarchy.controllers);
  report.ok(`${names[kind]}; controllers: ${controllers.join(", ")}`);
}

/** A user may use what somebody has given to it. */
function checkDelegation({ v2 }: Layout, report: Report): void {
  if (v2 === undefined) {
    report.warn("limits need root: only cgroups of version 2 can be given to users", {
      hint: "boot with systemd.unified_cgroup_hierarchy=1",
    });
    return;
  }
  const own = ownDirectory(v2);
  if (statOptional(`${own}/cgroup.procs`)?.uid === effectiveIds().euid) {
    report.ok(`"${own}" is yours`);
  } else {
    const hint = "run it in a session of systemd with Delegate=yes: systemd-run --user --scope -p Delegate=yes ...";
    report.warn("containers of yours can have no limits", { hint });
  }
}

/** The limits of a config, each by itself. */
export function checkResources(spec: Spec, id: string): Finding[] {
  const report = new Report("config.json");
  const resources = spec.linux?.resources;
  if (resources === undefined) return [];
  const layout = readLayout();
  const cgroup = cgroupOf(layout, spec, id, report);
  if (cgroup === undefined) return report.findings;
  for (const [name, value] of Object.entries(resources)) {
    checkOne(
      { cgroup, layout, resources: { [name]: value } as Resources, pointer: `/linux/resources/${name}` },
      report,
    );
  }
  return report.findings;
}

function cgroupOf(layout: Layout, { linux }: Spec, id: string, report: Report): Cgroup | undefined {
  const cgroupsPath = linux?.cgroupsPath;
  // slice:prefix:name is systemd's to place
  const isPath = cgroupsPath !== undefined && !/^[^/]*:[^/]*:[^/]*$/.test(cgroupsPath);
  try {
    return { paths: cgroupPaths(layout, { id, ...isPath ? { cgroupsPath } : {} }) };
  } catch (error) {
    report.thrown(error, { pointer: "/linux/cgroupsPath" });
    return undefined;
  }
}

interface Limit {
  readonly cgroup: Cgroup;
  readonly layout: Layout;
  readonly resources: Resources;
  readonly pointer: string;
}

function checkOne({ cgroup, layout, resources, pointer }: Limit, report: Report): void {
  try {
    checkLimits(cgroup, resources);
  } catch (error) {
    return report.thrown(error, { pointer });
  }
  if (layout.kind !== "v2") return;
  const available = availableControllers(cgroup.paths[""]!);
  // devices are no controller of v2, and what cpuset and freezer need is in the core
  const missing = wantedControllers(cgroup, resources).filter((name) => !available.includes(name));
  for (const name of missing) report.error(`there is no controller "${name}"`, { pointer, hint: CONTROLLER_HINT });
}

const CONTROLLER_HINT = "the kernel lacks it, or it is used by cgroups of version 1";
