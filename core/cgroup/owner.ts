/** Giving a cgroup of v2 to the user who is root in the container. runtime-spec config-linux.md, "Cgroup ownership" */

import { errnoOf, RunoError } from "../error.ts";
import { readIfThere } from "./files.ts";

// cgroups(7); Linux 4.15 has a list
const DELEGATED = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads";

/** Makes a user of the host the owner of the directory and of the files that the kernel says can be delegated. */
export function giveCgroup(path: string, uid: number): void {
  const files = (readIfThere("/sys/kernel/cgroup/delegate") ?? DELEGATED).split("\n");
  for (const name of ["", ...files.filter((file) => file !== "").map((file) => `/${file}`)]) {
    try {
      Deno.chownSync(`${path}${name}`, uid, null);
    } catch (error) {
      // the list has files of controllers that are not enabled
      if (errnoOf(error) === "ENOENT") continue;
      throw new RunoError(`giving "${path}${name}" to user ${uid}`, { cause: error });
    }
  }
}
