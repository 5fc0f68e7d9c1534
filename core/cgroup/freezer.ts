/** Freezing all processes of a container. Kernel: admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst */

import { errnoOf, RunoError } from "../error.ts";
import { sleep } from "../sleep.ts";
import { exists, readIfThere, readValue, writeValue } from "./files.ts";
import type { Cgroup } from "./paths.ts";
import { flatKeyed } from "./text.ts";

/** How long processes may take to stop: one in an uninterruptible sleep stops when that ends. */
const FREEZE_TIMEOUT_MS = 10_000;

/**
 * Freezes every process, and waits until they are.
 * @param timeout milliseconds
 * @throws {RunoError} and none stays frozen
 */
export function freezeCgroup(cgroup: Cgroup, timeout = FREEZE_TIMEOUT_MS): void {
  const { freezer, "": v2 } = cgroup.paths;
  if (freezer === undefined && v2 === undefined) {
    throw new RunoError("cannot toggle freezer: cgroups not configured for container", { kind: "unsupported" });
  }
  try {
    if (freezer !== undefined) freezeV1(freezer, timeout);
    else freezeV2(v2!, timeout);
  } catch (error) {
    // half frozen is worse than not frozen; without a right to freeze there is nothing to thaw
    if (!["EACCES", "EPERM"].includes(errnoOf(error) ?? "")) thawCgroup(cgroup);
    throw error;
  }
}

/** The state is asked for again and again: v1 misses processes that are forked meanwhile, and stays FREEZING. */
function freezeV1(path: string, timeout: number): void {
  const file = `${path}/freezer.state`;
  const attempt = (round: number) => {
    // to let go from time to time helps against those that fork without end
    if (round % 50 === 49) writeValue(file, "THAWED");
    writeValue(file, "FROZEN");
    return readValue(file) === "FROZEN";
  };
  until(attempt, path, timeout);
}

function freezeV2(path: string, timeout: number): void {
  writeValue(`${path}/cgroup.freeze`, "1");
  until(() => flatKeyed(readValue(`${path}/cgroup.events`)).get("frozen") === 1n, path, timeout);
}

/** Tries at once first, then more and more slowly. */
function until(done: (round: number) => boolean, path: string, timeout: number): void {
  const deadline = performance.now() + timeout;
  for (let round = 0; !done(round); round++) {
    if (performance.now() >= deadline) {
      throw new RunoError(`unable to freeze "${path}" within ${timeout / 1000} s`, {
        hint: "a process that waits for a disk or for NFS cannot be frozen",
      });
    }
    if (round > 10) sleep(Math.min(round / 10, 10));
  }
}

/** Lets frozen processes go on; no cgroup any more is fine. */
export function thawCgroup({ paths }: Cgroup): void {
  const { freezer, "": v2 } = paths;
  const thaw = (path: string, value: string) => {
    if (exists(path)) writeValue(path, value);
  };
  if (freezer !== undefined) thaw(`${freezer}/freezer.state`, "THAWED");
  if (v2 !== undefined) thaw(`${v2}/cgroup.freeze`, "0");
}

/** Whether the cgroup is frozen or about to be, by itself or through one above it. */
export function isFrozen({ paths }: Cgroup): boolean {
  const { freezer, "": v2 } = paths;
  if (freezer !== undefined && (readIfThere(`${freezer}/freezer.state`) ?? "THAWED") !== "THAWED") return true;
  return v2 !== undefined && readIfThere(`${v2}/cgroup.freeze`) === "1";
}
