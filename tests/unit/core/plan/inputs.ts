/** What plans are made from, for tests: a host that exists nowhere else, and configs with changes. */

import type { CreateInputs, HostFacts } from "../../../../core/plan/inputs.ts";
import type { SeccompFilter } from "../../../../core/plan/seccomp.ts";
import { changed, type Changes } from "../spec/config.ts";

/** A host of cgroup v2 whose user is root. */
export const FACTS: HostFacts = {
  arch: "x86_64",
  euid: 0,
  egid: 0,
  lastCapability: 40,
  nofile: undefined,
  sources: new Map(),
  cgroups: {
    version: 2,
    mounts: [{ name: "", data: "", directory: "/sys/fs/cgroup/box", links: [] }],
  },
  hostProcMounts: [],
};

/** A filter of one instruction. */
export const FILTER: SeccompFilter = { program: new Uint8Array(8), flags: 4, notifies: false };

/** The inputs of `create` for the default config with these changes, and other differences. */
export function createInputs(changes: Changes = {}, others: Partial<CreateInputs> = {}): CreateInputs {
  return {
    spec: changed(changes),
    id: "box",
    rootfs: "/bundle/rootfs",
    bundle: "/bundle",
    rootfsParent: undefined,
    facts: FACTS,
    cgroup: { v1: [], v2: "/sys/fs/cgroup/box" },
    seccomp: undefined,
    noPivot: false,
    noNewKeyring: false,
    keepFds: 0,
    fifo: 3,
    socket: 4,
    idmaps: new Map(),
    extraEnv: [],
    extraMounts: [],
    ...others,
  };
}
