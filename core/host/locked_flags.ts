/** Bind mounts in a user namespace: what of their source's flags nobody there may change. mount_namespaces(7) */

import * as abi from "../../ffi/abi.ts";
import { mountFlags } from "../../ffi/file.ts";
import { errnoOf, RunoError } from "../error.ts";
import { isBind, parseOptions } from "../plan/mount_options.ts";
import { absoluteSource } from "../plan/sources.ts";
import type { Mount } from "../spec/types.ts";

/**
 * Refuses options that want gone what is locked. The mounts are made by the host's root, whom the kernel would let do it:
 * but then a container could be given more than its own root could ever take.
 * @throws {RunoError}
 */
export function checkLockedFlags(mounts: readonly Mount[], bundle: string): void {
  for (const [i, mount] of mounts.entries()) {
    const { demands: { cleared, accessTime }, remount } = parseOptions(mount.options ?? []);
    if (!isBind(mount) || remount || (cleared === 0 && accessTime === undefined)) continue;
    const source = absoluteSource(mount.source ?? "", bundle);
    const flags = flagsOf(source);
    if (flags === undefined) continue;
    const held = attributesOf(flags);
    const refused = [
      ...NAMES.filter(([bit]) => cleared & held & bit).map(([, name]) => name),
      ...accessTime !== undefined && accessTime !== (held & TIME) ? ["access time"] : [],
    ];
    if (refused.length === 0) continue;
    // runc's words, which tell the caller that its own mount is refused
    const what = `error mounting "${source}" to rootfs at "${mount.destination}": cannot change locked flags`;
    throw new RunoError(
      `unable to start container process: error during container init: ${what}: operation not permitted`,
      {
        kind: "invalid",
        pointer: `/mounts/${i}/options`,
        hint: `the source has them in the host's user namespace: ${
          refused.join(", ")
        }; config.json /mounts/${i}/options`,
      },
    );
  }
}

const TIME = abi.MOUNT_ATTR__ATIME | abi.MOUNT_ATTR_NODIRATIME;

const NAMES = [
  [abi.MOUNT_ATTR_RDONLY, "ro"],
  [abi.MOUNT_ATTR_NOSUID, "nosuid"],
  [abi.MOUNT_ATTR_NODEV, "nodev"],
  [abi.MOUNT_ATTR_NOEXEC, "noexec"],
] as const;

/** Undefined for a source that is missing: its mount says so with more words. */
function flagsOf(source: string): number | undefined {
  try {
    return mountFlags(source);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR" || errnoOf(error) === "EACCES") return undefined;
    throw new RunoError(`looking at the flags of the mount of "${source}"`, { cause: error });
  }
}

/** The attributes that the flags of statfs(2) stand for; without any flag of access time it is the strict one. */
function attributesOf(flags: number): number {
  const simple = flags & (abi.ST_RDONLY | abi.ST_NOSUID | abi.ST_NODEV | abi.ST_NOEXEC);
  const directories = flags & abi.ST_NODIRATIME ? abi.MOUNT_ATTR_NODIRATIME : 0;
  if (flags & abi.ST_NOATIME) return simple | directories | abi.MOUNT_ATTR_NOATIME;
  return simple | directories | (flags & abi.ST_RELATIME ? abi.MOUNT_ATTR_RELATIME : abi.MOUNT_ATTR_STRICTATIME);
}
