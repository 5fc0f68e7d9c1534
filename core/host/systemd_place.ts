/** Which systemd makes the cgroups of this process' containers, and where they are. */

import { effectiveIds, inUserNamespace } from "./credentials.ts";
import { type Layout, readLayout } from "../cgroup/layout.ts";
import type { Place } from "../cgroup/systemd/connection.ts";
import { RunoError } from "../error.ts";

/** Who this process is to systemd. */
export function ownPlace(): Place {
  const { euid } = effectiveIds();
  const user = euid !== 0 || inUserNamespace();
  return { instance: user ? "user" : "system", uid: machineUid(euid), env: Deno.env };
}

/** The uid as the machine knows it: what stands behind it in the map of the user namespace. */
function machineUid(uid: number): number {
  for (const line of Deno.readTextFileSync("/proc/self/uid_map").trim().split("\n")) {
    const [inner = 0, outer = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    if (uid >= inner && uid < inner + count) return outer + uid - inner;
  }
  return uid;
}

export function supportedLayout({ instance }: Place): Layout {
  const layout = readLayout();
  if (instance === "system" || layout.kind === "v2") return layout;
  // the words are runc's
  throw new RunoError(
    "cgroup v2 not enabled on this host, can't use systemd (rootless) as cgroups manager",
    { kind: "unsupported", hint: "controllers of v1 are never delegated to users" },
  );
}

export function cgroupVersion({ kind }: Layout): "v1" | "v2" {
  return kind === "v2" ? "v2" : "v1";
}

export function defaultSlice({ instance }: Pick<Place, "instance">): string {
  return instance === "user" ? "user.slice" : "system.slice";
}

/** The cgroup that all units of this systemd are in. */
export function managerPath({ instance, uid }: Place): string {
  // in a container systemd is not at the root: beside the cgroup of its own process
  const init = /^(?:0:|\d+:name=systemd):(.*)\/init\.scope$/m.exec(Deno.readTextFileSync("/proc/1/cgroup"));
  const root = init?.[1] ?? "";
  return instance === "system" ? root : `${root}/user.slice/user-${uid}.slice/user@${uid}.service`;
}
