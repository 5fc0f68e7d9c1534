/** Facts about the host that a plan needs: collected once, and only those that this config asks for. */

import { effectiveIds } from "./credentials.ts";
import { CAPABILITIES } from "../../ffi/abi.ts";
import { isBind } from "../plan/mount_options.ts";
import { absoluteSource } from "../plan/sources.ts";
import type { HostFacts } from "../plan/inputs.ts";
import type { Mount, Spec } from "../spec/types.ts";
import { enclosingMount, hostProcMounts } from "./mountinfo.ts";
import { openFilesLimit } from "./nofile.ts";

/** What `collectFacts` is asked about. */
export interface FactsWanted {
  readonly spec: Spec;
  readonly bundle: string;
  readonly mounts: readonly Mount[];
  readonly noPivot: boolean;
  readonly cgroups: HostFacts["cgroups"];
}

/** Looks at the host. */
export function collectFacts({ spec, bundle, mounts, noPivot, cgroups }: FactsWanted): HostFacts {
  const { euid, egid } = effectiveIds();
  return {
    arch: Deno.build.arch,
    euid,
    egid,
    lastCapability: lastCapability(),
    nofile: openFilesLimit(),
    sources: sourceTypes(mounts, bundle),
    cgroups,
    hostProcMounts: noPivot && spec.linux !== undefined ? hostProcMounts() : [],
  };
}

/** The number of the last capability that this kernel knows. */
export function lastCapability(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/sys/kernel/cap_last_cap"));
  } catch {
    return CAPABILITIES.length - 1;
  }
}

function sourceTypes(mounts: readonly Mount[], bundle: string): HostFacts["sources"] {
  const types = new Map<number, "directory" | "file" | "missing">();
  for (const [i, mount] of mounts.entries()) {
    if (isBind(mount)) types.set(i, fileType(absoluteSource(mount.source ?? "", bundle)));
  }
  return types;
}

function fileType(path: string): "directory" | "file" | "missing" {
  try {
    return Deno.statSync(path).isDirectory ? "directory" : "file";
  } catch {
    return "missing";
  }
}

/** The mount to make private first, when the asked propagation would show the container's mounts to the host. */
export function leakingParent(spec: Spec, rootfs: string): string | undefined {
  const propagation = spec.linux?.rootfsPropagation;
  const closed = propagation === undefined || propagation === "rslave" || propagation === "rprivate" ||
    propagation === "runbindable";
  return closed ? undefined : enclosingMount(rootfs);
}
