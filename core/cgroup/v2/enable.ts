/** Which controllers a cgroup of v2 has: those that every cgroup above it enables for its children. cgroups(7) */

import { RunoError } from "../../error.ts";
import { parentOf } from "../paths.ts";
import { exists, readIfThere, readValue, writeValue } from "../files.ts";

/** The controllers of the hierarchy that a path lies in, whether it exists or not. */
export function availableControllers(path: string): string[] {
  return words(readValue(`${ancestors(path)[0] ?? path}/cgroup.controllers`));
}

/** The controllers that a cgroup has. */
export function enabledControllers(path: string): string[] {
  return words(readValue(`${path}/cgroup.controllers`));
}

/**
 * Enables controllers all the way down to a cgroup. What cannot be enabled is no error here: writing a limit will be.
 * @param wanted all that there are, unless given
 */
export function enableControllers(path: string, wanted: readonly string[] = availableControllers(path)): void {
  for (const cgroup of ancestors(path)) {
    const enabled = words(readIfThere(`${cgroup}/cgroup.subtree_control`) ?? "");
    const missing = wanted.filter((name) => !enabled.includes(name)).map((name) => `+${name}`);
    if (missing.length > 0 && !tryWrite(cgroup, missing.join(" "))) {
      for (const one of missing) tryWrite(cgroup, one);
    }
  }
}

/** The cgroups above one, from the root of the hierarchy down. */
function ancestors(path: string): string[] {
  const parent = parentOf(path);
  if (parent === "") return [];
  const above = ancestors(parent);
  return exists(`${parent}/cgroup.controllers`) ? [...above, parent] : above;
}

function tryWrite(cgroup: string, value: string): boolean {
  try {
    writeValue(`${cgroup}/cgroup.subtree_control`, value);
    return true;
  } catch {
    return false;
  }
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

/** Controllers that limit processes, not threads, and do not work in a threaded cgroup. */
const DOMAIN_CONTROLLERS = ["memory", "io", "hugetlb", "rdma"];

/**
 * Makes a cgroup one that processes can enter. One below a cgroup with processes is invalid until it is threaded.
 * @throws {RunoError} `state` when a limit is asked for that a threaded cgroup cannot have
 */
export function ensureEnterable(path: string, wanted: readonly string[]): void {
  const type = readIfThere(`${path}/cgroup.type`) ?? "domain";
  if (type === "domain") return;
  const domain = wanted.filter((name) => DOMAIN_CONTROLLERS.includes(name));
  if (domain.length > 0) {
    const state = type === "domain invalid" ? "an invalid state" : `${type} mode`;
    throw new RunoError(`cannot enter cgroupv2 "${path}" with domain controllers -- it is in ${state}`, {
      kind: "state",
      hint: `limits of ${domain.join(", ")} need a parent cgroup without processes: choose another cgroupsPath`,
    });
  }
  if (type === "domain invalid") writeValue(`${path}/cgroup.type`, "threaded");
}
