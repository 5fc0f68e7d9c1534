/** The resctrl file system: where it is mounted, and what the CPU can share out and count. Documentation/filesystems/resctrl.rst */

import { type MountEntry, readMountinfo } from "../mountinfo.ts";
import { RunoError } from "../error.ts";
import type { IntelRdt } from "../spec/types.ts";
import { exists, readIfThere } from "./files.ts";

/** resctrl as it is mounted on this host. */
export interface Resctrl {
  /** The mount point. Its own files are the default class, every directory in it another. */
  readonly root: string;
  /** Whether parts of the L3 cache can be given out (CAT). */
  readonly cat: boolean;
  /** Whether memory bandwidth can be (MBA). */
  readonly mba: boolean;
  /** What is counted for each group: "llc_occupancy", "mbm_total_bytes", "mbm_local_bytes". Empty without monitoring. */
  readonly monitors: readonly string[];
}

/** Undefined when it is not mounted: the CPU lacks it, or nobody has asked for it. */
export function findResctrl(mounts: readonly MountEntry[] = readMountinfo()): Resctrl | undefined {
  const root = mountPoint(mounts);
  return root === undefined ? undefined : readResctrl(root);
}

const USUAL_PLACE = "/sys/fs/resctrl";

/** The usual one before others, whole mounts only. */
function mountPoint(mounts: readonly MountEntry[]): string | undefined {
  const found = mounts.filter(({ type, root }) => type === "resctrl" && root === "/").map(({ mountPoint }) =>
    mountPoint
  );
  return found.includes(USUAL_PLACE) ? USUAL_PLACE : found[0];
}

/** What is there below a mount point. */
export function readResctrl(root: string): Resctrl {
  const monitors = readIfThere(`${root}/info/L3_MON/mon_features`) ?? "";
  return {
    root,
    // with CDP there are two kinds of L3 cache
    cat: exists(`${root}/info/L3`) || exists(`${root}/info/L3CODE`),
    mba: exists(`${root}/info/MB`),
    monitors: monitors.split("\n").filter((name) => name !== ""),
  };
}

/**
 * The resctrl that does what a config asks for.
 * @param resctrl that of the host, undefined without one
 * @throws {RunoError} `unsupported`
 */
export function checkedResctrl(rdt: IntelRdt, resctrl: Resctrl | undefined): Resctrl {
  // the words are runc's, but for monitoring
  if (resctrl === undefined) {
    throw unsupported("intelRdt is specified in config, but Intel RDT is not supported or enabled", "");
  }
  if (rdt.l3CacheSchema && !resctrl.cat) {
    throw unsupported(
      "intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled",
      "/l3CacheSchema",
    );
  }
  if (rdt.memBwSchema && !resctrl.mba) {
    throw unsupported("intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled", "/memBwSchema");
  }
  if (wantsMonitoring(rdt) && resctrl.monitors.length === 0) {
    throw unsupported("intelRdt of the config asks for monitoring, but neither Intel RDT/CMT nor MBM is enabled", "");
  }
  return resctrl;
}

function unsupported(phrase: string, part: string): RunoError {
  const hint = "the CPU lacks it, or: mount -t resctrl resctrl /sys/fs/resctrl";
  return new RunoError(phrase, { kind: "unsupported", pointer: `/linux/intelRdt${part}`, hint });
}

/** Whether the container is to be counted apart from the others of its class; specification 1.2 had two names for it. */
export function wantsMonitoring({ enableMonitoring, enableCMT, enableMBM }: IntelRdt): boolean {
  return enableMonitoring === true || enableCMT === true || enableMBM === true;
}
