/** How state.json calls namespaces. */

import type { NamespaceType } from "../spec/types.ts";

/** libcontainer's names of the namespaces; runc up to 1.1 does not know NEWTIME and passes over it. */
export const RUNC_NAMESPACES: Readonly<Record<NamespaceType, string>> = {
  pid: "NEWPID",
  network: "NEWNET",
  mount: "NEWNS",
  ipc: "NEWIPC",
  uts: "NEWUTS",
  user: "NEWUSER",
  cgroup: "NEWCGROUP",
  time: "NEWTIME",
};
