/** Everything about a container that can be found out before anything is made. */

import { effectiveIds } from "./credentials.ts";
import { RunoError } from "../error.ts";
import { type CreateInputs, hasNamespace } from "../plan/inputs.ts";
import { allMounts } from "../plan/sources.ts";
import type { RdtGroup } from "../rdt/group.ts";
import type { Spec } from "../spec/types.ts";
import { readBundle } from "./bundle.ts";
import { CgroupPlan, type CgroupToBe } from "./cgroups.ts";
import { stateDir } from "./container.ts";
import { collectFacts, leakingParent } from "./facts.ts";
import type { Ids } from "./idmap.ts";
import { notifyInputs } from "./notify.ts";
import { checkLockedFlags } from "./locked_flags.ts";
import { checkLabels } from "./lsm.ts";
import type { CreateOptions } from "./options.ts";
import { checkPreservedFds } from "./preserved_fds.ts";
import { checkRootless } from "./rootless.ts";
import { compiledSeccomp } from "./late_seccomp.ts";
import { checkTerminal } from "./terminal_rules.ts";
import { checkJoinedMaps } from "./user_namespace.ts";

/** What is known. */
export interface Prepared {
  readonly spec: Spec;
  readonly rootfs: string;
  readonly configPath: string;
  /** Number of descriptors from 3 that init keeps. */
  readonly keepFds: number;
  readonly cgroup: CgroupToBe;
  /** The group in Intel's resctrl; undefined when config.json asks for none. */
  readonly rdt: RdtGroup | undefined;
  readonly ids: Ids;
  readonly rootlessCgroups: boolean;
  /** For the plan; the numbers of descriptors come when they are open. */
  readonly inputs: Omit<CreateInputs, "fifo" | "socket" | "idmaps">;
}

/** Reads the bundle, checks it against the options and looks at the host. @param ids of who would create the container */
export async function prepare(options: CreateOptions, ids: Ids = effectiveIds()): Promise<Prepared> {
  const dir = stateDir(options.root, options.id);
  const { spec, rootfs, configPath, warnings } = readBundle(options);
  for (const warning of warnings) options.warn(warning);
  if (spec.process === undefined) throw new RunoError("process property must not be empty", { kind: "invalid" });
  checkTerminal(spec, options);
  checkLabels(spec.process);
  if (options.noPivot && spec.linux?.rootfsPropagation?.endsWith("private")) {
    throw new RunoError("rootfsPropagation of [r]private is not safe without pivot_root (--no-pivot)", {
      kind: "invalid",
    });
  }
  const keepFds = checkPreservedFds(options);
  const rootlessCgroups = checkRootless(spec, options, ids);
  checkJoinedMaps(spec);
  const cgroup = options.cgroupManager === "systemd"
    ? new (await import("./unit_plan.ts")).UnitPlan(spec, options)
    : new CgroupPlan(spec, options, rootlessCgroups);
  const rdt = await rdtGroup(spec, options.id);
  const notify = notifyInputs(dir, options.notifySocket);
  const extraEnv = [...options.listenFds > 0 ? [`LISTEN_FDS=${options.listenFds}`, "LISTEN_PID=1"] : [], ...notify.env];
  const extra = { extraEnv, extraMounts: notify.mounts };
  const plain = { spec, id: options.id, rootfs, bundle: options.bundle, ...extra, keepFds };
  const mounts = allMounts(plain);
  if (hasNamespace(spec, "user")) checkLockedFlags(mounts, options.bundle);
  checkNetworkSysctls(spec);
  const facts = collectFacts({
    spec,
    bundle: options.bundle,
    mounts,
    noPivot: options.noPivot,
    cgroups: cgroup.mounts,
  });
  const inputs = {
    ...plain,
    facts: { ...facts, ...ids },
    cgroup: cgroup.directories,
    rootfsParent: leakingParent(spec, rootfs),
    seccomp: await compiledSeccomp(spec.linux?.seccomp, options.debug),
    noPivot: options.noPivot,
    noNewKeyring: options.noNewKeyring,
  };
  return { spec, rootfs, configPath, keepFds, cgroup, rdt, ids, rootlessCgroups, inputs };
}

/** @throws {RunoError} when this machine has no such hardware */
async function rdtGroup({ linux }: Spec, id: string): Promise<RdtGroup | undefined> {
  if (linux?.intelRdt === undefined) return undefined;
  const [{ RdtGroup }, { findResctrl }] = await Promise.all([
    import("../rdt/group.ts"),
    import("../rdt/resctrl.ts"),
  ]);
  return new RdtGroup(findResctrl(), linux.intelRdt, id);
}

/** A network namespace that is joined may be the host's own: then its sysctls are not the container's. */
function checkNetworkSysctls({ linux }: Spec): void {
  const key = Object.keys(linux?.sysctl ?? {}).find((name) => /^net[./]/.test(name));
  const path = linux?.namespaces?.find(({ type }) => type === "network")?.path ?? "";
  if (key === undefined || path === "" || !isSameFile(path, "/proc/self/ns/net")) return;
  throw new RunoError(`sysctl ${JSON.stringify(key)} not allowed in host network namespace`, { kind: "invalid" });
}

function isSameFile(a: string, b: string): boolean {
  try {
    const [one, other] = [Deno.statSync(a), Deno.statSync(b)];
    return one.ino === other.ino && one.dev === other.dev;
  } catch {
    // one that is missing is told of when it is to be joined
    return false;
  }
}
