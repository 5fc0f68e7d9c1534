/** What an ordinary user may ask for, and when errors of cgroups may be ignored. */

import { inUserNamespace } from "./credentials.ts";
import { RunoError } from "../error.ts";
import { mountIdmap } from "../plan/idmapped.ts";
import { hasNamespace } from "../plan/inputs.ts";
import type { IdMapping, Spec } from "../spec/types.ts";
import type { Ids } from "./idmap.ts";
import type { HostOptions } from "./options.ts";

/**
 * Checks the config of an ordinary user.
 * @returns whether errors of cgroups may be ignored (`--rootless`)
 */
export function checkRootless(spec: Spec, options: HostOptions, ids: Ids): boolean {
  if (ids.euid !== 0) checkConfig(spec);
  if (options.rootless !== "auto") return options.rootless;
  if (ids.euid !== 0) return true;
  if (!inUserNamespace()) return false;
  return options.cgroupManager !== "systemd" || belongsToUser();
}

/** Whether the user manager of an ordinary user looks after this process; else the user namespace has a systemd of its own. */
function belongsToUser(): boolean {
  return /\/user-[1-9]\d*\.slice\//.test(Deno.readTextFileSync("/proc/self/cgroup"));
}

function checkConfig(spec: Spec): void {
  const refuse = (phrase: string, hint?: string) => {
    throw new RunoError(phrase, { kind: "invalid", hint });
  };
  const { uidMappings = [], gidMappings = [], netDevices = {} } = spec.linux ?? {};
  if (!hasNamespace(spec, "user")) {
    refuse("rootless container requires user namespaces", "make the config with `runo spec --rootless`");
  }
  const joined = spec.linux?.namespaces?.some(({ type, path }) => type === "user" && path) ?? false;
  if (uidMappings.length === 0 && !joined) refuse("rootless containers requires at least one UID mapping");
  if (gidMappings.length === 0 && !joined) refuse("rootless containers requires at least one GID mapping");
  if (Object.keys(netDevices).length > 0) refuse("network devices cannot be moved by a rootless container");
  if ((spec.process?.user?.additionalGids?.length ?? 0) > 0) {
    refuse("cannot set any additional groups in a rootless container");
  }
  const linux = spec.linux ?? {};
  // the words are runc's
  if (spec.mounts?.some((mount) => mountIdmap(mount, linux) !== undefined)) {
    refuse("id-mapped mounts are not supported for rootless containers");
  }
  if (!joined) checkMountOwners(spec, uidMappings, gidMappings);
}

/** Mount options uid= and gid= name ids of the container. */
function checkMountOwners(spec: Spec, uids: readonly IdMapping[], gids: readonly IdMapping[]): void {
  for (const [i, mount] of (spec.mounts ?? []).entries()) {
    for (const option of mount.options ?? []) {
      const [, kind, id] = /^(uid|gid)=(\d+)$/.exec(option) ?? [];
      if (kind === undefined) continue;
      if (isMapped(Number(id), kind === "uid" ? uids : gids)) continue;
      throw new RunoError(`cannot specify ${option} mount options for unmapped ${kind} in rootless containers`, {
        kind: "invalid",
        hint: `config.json /mounts/${i}/options`,
      });
    }
  }
}

function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}
