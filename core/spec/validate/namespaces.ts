/**
 * Rules of `linux.namespaces` and of all that needs one of them: names, id mappings, clock offsets.
 * runtime-spec config-linux.md, "Namespaces" to "Offset for Time Namespace"; the words are runc's where it refuses too.
 */

import { at, type Findings } from "../problem.ts";
import type { Linux, Namespace, NamespaceType, Spec, TimeOffset } from "../types.ts";
import { checkMappingList, isMapped } from "./idmap.ts";
import { isAbsolute, quote } from "./text.ts";

/** Every type that a config may name. */
export const NAMESPACE_TYPES: readonly NamespaceType[] = [
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
];

// __NEW_UTS_LEN of the kernel
const MAX_NAME = 64;

/** The list and its dependants. */
export function checkNamespaces(spec: Spec, found: Findings): void {
  const linux = spec.linux ?? {};
  checkList(linux.namespaces ?? [], found);
  checkNames(spec, linux, found);
  checkMappings(linux, found);
  checkUser(spec, linux, found);
  checkTimeOffsets(linux, found);
  checkRestrictedPaths(linux, found);
}

/** The entry of a type, which may hold the path of a namespace to join. */
export function namespaceOf(linux: Linux, type: NamespaceType): Namespace | undefined {
  return linux.namespaces?.find((namespace) => namespace.type === type);
}

function checkList(namespaces: readonly Namespace[], found: Findings): void {
  const seen = new Set<string>();
  namespaces.forEach(({ type, path }, index) => {
    const pointer = at("/linux/namespaces", index);
    if (!NAMESPACE_TYPES.includes(type)) found.error(at(pointer, "type"), `namespace ${quote(type)} does not exist`);
    if (seen.has(type)) found.error(at(pointer, "type"), `malformed spec file: duplicated ns ${quote(type)}`);
    seen.add(type);
    if (!path) return;
    if (!isAbsolute(path)) found.error(at(pointer, "path"), "must be an absolute path");
    if (path.includes(",")) found.error(at(pointer, "path"), "must not contain a comma");
  });
}

function checkNames(spec: Spec, linux: Linux, found: Findings): void {
  for (const field of ["hostname", "domainname"] as const) {
    const name = spec[field];
    if (!name) continue;
    if (namespaceOf(linux, "uts") === undefined) {
      found.error(at("", field), `unable to set ${field} without a private UTS namespace`);
    }
    if (new TextEncoder().encode(name).length > MAX_NAME) {
      found.error(at("", field), `is longer than ${MAX_NAME} bytes`);
    }
  }
}

function checkMappings(linux: Linux, found: Findings): void {
  const { uidMappings = [], gidMappings = [] } = linux;
  const user = namespaceOf(linux, "user");
  checkMappingList(uidMappings, "/linux/uidMappings", found);
  checkMappingList(gidMappings, "/linux/gidMappings", found);
  if (user === undefined) {
    for (const field of ["uidMappings", "gidMappings"] as const) {
      if (linux[field]?.length) {
        const text = "user namespace mappings specified, but user namespace isn't enabled in the config";
        found.error(at("/linux", field), text);
      }
    }
  } else if (!user.path) {
    checkMappingsGiven(linux, found);
  }
}

function checkMappingsGiven(linux: Linux, found: Findings): void {
  const [uids, gids] = [linux.uidMappings?.length ?? 0, linux.gidMappings?.length ?? 0];
  if (uids === 0 && gids === 0) {
    const text = "user namespaces enabled, but no namespace path to join nor mappings to apply specified";
    found.error("/linux/uidMappings", text);
  } else if (uids === 0) {
    found.error("/linux/uidMappings", "user namespaces enabled, but no uid mappings found");
  } else if (gids === 0) {
    found.error("/linux/gidMappings", "user namespaces enabled, but no gid mappings found");
  }
}

// setuid(2) and setgroups(2) answer EINVAL to an id without mapping
function checkUser(spec: Spec, linux: Linux, found: Findings): void {
  const { uidMappings = [], gidMappings = [] } = linux;
  const user = spec.process?.user ?? { uid: 0, gid: 0 };
  const refuse = (kind: string, id: number, ...keys: readonly (string | number)[]) =>
    found.error(at("/process/user", ...keys), `user namespaces enabled, but no mapping found for ${kind} ${id}`);
  if (namespaceOf(linux, "user") === undefined) return;
  if (uidMappings.length > 0 && !isMapped(user.uid, uidMappings)) refuse("uid", user.uid, "uid");
  if (gidMappings.length === 0) return;
  if (!isMapped(user.gid, gidMappings)) refuse("gid", user.gid, "gid");
  user.additionalGids?.forEach((gid, index) => {
    if (!isMapped(gid, gidMappings)) refuse("gid", gid, "additionalGids", index);
  });
}

function checkTimeOffsets(linux: Linux, found: Findings): void {
  const { timeOffsets } = linux;
  if (timeOffsets === undefined) return;
  const pointer = "/linux/timeOffsets";
  const time = namespaceOf(linux, "time");
  if (time === undefined) {
    found.error(pointer, "time namespace offsets specified, but time namespace isn't enabled in the config");
  } else if (time.path) {
    const text = "time namespace enabled, but both namespace path and time offsets specified -- " +
      "you may only provide one";
    found.error(pointer, text);
  }
  for (const [clock, offset] of Object.entries(timeOffsets) as [string, TimeOffset][]) {
    if (clock !== "monotonic" && clock !== "boottime") {
      found.error(at(pointer, clock), 'unknown clock, only "monotonic" and "boottime" have offsets');
    }
    // time_namespaces(7)
    if ((offset.nanosecs ?? 0) > 999_999_999) found.error(at(pointer, clock, "nanosecs"), "must be below 1000000000");
  }
}

function checkRestrictedPaths(linux: Linux, found: Findings): void {
  for (const field of ["maskedPaths", "readonlyPaths"] as const) {
    const paths = linux[field] ?? [];
    const pointer = at("/linux", field);
    if (paths.length > 0 && namespaceOf(linux, "mount") === undefined) {
      found.error(pointer, "unable to restrict sys entries without a private MNT namespace");
    }
    paths.forEach((path, index) => {
      if (!isAbsolute(path)) found.error(at(pointer, index), "must be an absolute path");
    });
  }
}
