/** Joining a running container: its namespaces by a pidfd of init, its root, its cgroup. */

import type { Program } from "../program/program.ts";
import type { NamespaceType } from "../spec/types.ts";
import { CGROUP_HINTS, type CgroupDirectories, enterCgroup, openCgroup } from "./cgroup.ts";
import { becomeRoot, NAMESPACE_FLAG } from "./namespaces.ts";

/** What is joined. The numbers are those of descriptors that the program inherits. */
export interface Joined {
  /** A pidfd of init. */
  readonly init: number;
  /** The namespaces that the container has and the host has not. */
  readonly namespaces: readonly NamespaceType[];
  /** Its root directory, where no mount namespace says what the root is. */
  readonly root: number | undefined;
  readonly cgroup: CgroupDirectories;
}

/** Becomes a process of the container, with all rights over it that the caller has; it must not be dumpable any more. */
export function joinContainer(p: Program, { init, namespaces, root, cgroup }: Joined): void {
  const cloned = namespaces.includes("pid") || namespaces.includes("time");
  const opened = openCgroup(p, cgroup, { clones: cloned, early: true, seen: true });
  setnsAll(p, init, namespaces);
  p.emit("close", [init], { ignore: "any" });
  if (root !== undefined) changeRoot(p, root);
  if (namespaces.includes("user")) becomeRoot(p);
  if (cloned) {
    p.step("cloning a process of the container", { hints: { EAGAIN: CGROUP_HINTS.EAGAIN } });
    p.cloneAndContinue(0);
  }
  enterCgroup(p, opened, cloned);
}

/** All in one call; a pid or time namespace counts for children only. */
function setnsAll(p: Program, init: number, types: readonly NamespaceType[]): void {
  if (types.length === 0) return;
  p.step(`joining the container's ${types.join(", ")} ${types.length === 1 ? "namespace" : "namespaces"}`, {
    hints: { ESRCH: "the container has ended", EPERM: "the caller has no rights over the container" },
  });
  p.emit("setns", [init, types.reduce((all, type) => all | NAMESPACE_FLAG[type], 0)]);
}

function changeRoot(p: Program, root: number): void {
  p.step("changing to the container's root");
  p.emit("fchdir", [root]);
  p.emit("chroot", ["."]);
  p.emit("close", [root], { ignore: "any" });
}
