/** Rules of `mounts`, runtime-spec config.md, "Mounts"; the words are runc's where it refuses as well. */

import { type IdmapOption, parseIdmapOption } from "../idmap_option.ts";
import { hasOption, isBind, MOUNT_OPTIONS } from "../mount_options.ts";
import { at, type Findings } from "../problem.ts";
import type { Linux, Mount, Spec } from "../types.ts";
import { checkMappingList } from "./idmap.ts";
import { cleanPath, isAbsolute, quote } from "./text.ts";

// The files below /proc that lxcfs and the like stand in for; a mount on any other could hide what a label goes to.
const PROC_FILES: ReadonlySet<string> = new Set(
  "cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo sys/kernel/ns_last_pid sys/crypto/fips_enabled"
    .split(" ").map((file) => `/proc/${file}`),
);

/** The whole list. */
export function checkMounts(spec: Spec, found: Findings): void {
  (spec.mounts ?? []).forEach((mount, index) => {
    const pointer = at("/mounts", index);
    checkDestination(mount, at(pointer, "destination"), found);
    checkKind(mount, pointer, found);
    checkIdMap(mount, pointer, spec.linux ?? {}, found);
  });
}

function checkDestination(mount: Mount, pointer: string, found: Findings): void {
  const { destination } = mount;
  if (!isAbsolute(destination)) {
    found.warn(pointer, `mount destination ${quote(destination)} is not absolute, using it as relative to "/"`);
  }
  const path = cleanPath(destination);
  if (path === "/") {
    found.error(pointer, `mountpoint ${quote(destination)} is on the top of rootfs`);
  } else if (path === "/proc") {
    // whether a bind brings a procfs only the host can see
    if (!isBind(mount) && mount.type !== "proc") {
      found.error(pointer, `${quote(destination)} cannot be mounted because it is not of type proc`);
    }
  } else if (path.startsWith("/proc/") && !PROC_FILES.has(path)) {
    found.error(pointer, `${quote(destination)} cannot be mounted because it is inside /proc`);
  }
}

function checkKind(mount: Mount, pointer: string, found: Findings): void {
  if (hasOption(mount, "remount")) return;
  if (!isBind(mount)) {
    if (!mount.type) found.error(at(pointer, "type"), "must be set for a mount that is not a bind");
    return;
  }
  if (!mount.source) found.error(at(pointer, "source"), "must be set for a bind mount");
  (mount.options ?? []).forEach((option, index) => {
    // the kernel ignores such options on a bind, so what they ask for would silently not be so
    if (!MOUNT_OPTIONS.has(option) && parseIdmapOption(option) === undefined) {
      found.error(
        at(pointer, "options", index),
        `bind mounts cannot have any filesystem-specific options applied: ${quote(option)}`,
      );
    }
  });
}

function checkIdMap(mount: Mount, pointer: string, linux: Linux, found: Findings): void {
  const { uidMappings = [], gidMappings = [] } = mount;
  const options = (mount.options ?? []).map(parseIdmapOption);
  const counts = uidMappings.length + gidMappings.length;
  if (counts === 0 && options.every((option) => option === undefined)) return;
  if (!isBind(mount)) return found.error(pointer, "id-mapped mounts are only supported for bind-mounts");
  if (counts === 0) {
    options.forEach((option, index) => {
      if (option === "malformed") {
        found.error(at(pointer, "options", index), 'must be like "idmap=uids=0-1000-1;gids=0-1000-1"');
      } else if (option !== undefined) checkOption(option, at(pointer, "options", index), linux, found);
    });
    return;
  }
  if (uidMappings.length === 0 || gidMappings.length === 0) {
    found.error(pointer, "id-mapped mounts must have both uid and gid mappings specified");
  }
  checkMappingList(uidMappings, at(pointer, "uidMappings"), found);
  checkMappingList(gidMappings, at(pointer, "gidMappings"), found);
}

/** Ranges of the option, and where they leave a kind of ids out those of the container. */
function checkOption(option: IdmapOption, pointer: string, linux: Linux, found: Findings): void {
  const { uids, gids } = option;
  checkMappingList(uids?.mappings ?? [], pointer, found);
  checkMappingList(gids?.mappings ?? [], pointer, found);
  const { namespaces = [], uidMappings = [], gidMappings = [] } = linux;
  const own = uids === undefined && gids === undefined
    ? namespaces.some(({ type }) => type === "user")
    : (uids !== undefined || uidMappings.length > 0) && (gids !== undefined || gidMappings.length > 0);
  if (!own) found.error(pointer, "id-mapped mounts need mappings or a user namespace");
}
