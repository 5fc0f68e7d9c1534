/** state.json of a container that is being made: by `create`, or by `restore`. */

import type { CreateOptions } from "./options.ts";
import type { Prepared } from "./prepare.ts";
import { bootId, processStat } from "./procfs.ts";
import { runcConfig } from "./runc_config.ts";
import type { ProcessIdentity, StateFile } from "./state_file.ts";

/** What is known of it. */
export interface NewState {
  readonly options: CreateOptions;
  readonly prepared: Prepared;
  /** RFC 3339. */
  readonly created: string;
  /** Init, or who is making it while there is none. */
  readonly init: { readonly pid: number } | { readonly creator: ProcessIdentity };
  /** Where stdio of init leads; found out unless given. */
  readonly descriptors?: readonly string[];
}

/** This process, as the one that makes the container. */
export function thisCreator(): ProcessIdentity {
  return { pid: Deno.pid, startTime: processStat(Deno.pid)?.startTime ?? 0 };
}

/** The whole of it. */
export function newState({ options, prepared, created, init, descriptors }: NewState): StateFile {
  const { id, bundle, noPivot, noNewKeyring, cgroupManager } = options;
  const { spec, rootfs, configPath, cgroup, rdt, ids, rootlessCgroups } = prepared;
  const pid = "pid" in init ? init.pid : 0;
  const rootlessEuid = ids.euid !== 0;
  return {
    id,
    init_process_pid: pid,
    init_process_start: processStat(pid)?.startTime ?? 0,
    created,
    config: runcConfig(spec, {
      bundle,
      rootfs,
      id,
      cgroupManager,
      rootlessEuid,
      rootlessCgroups,
      noPivot,
      noNewKeyring,
    }),
    rootless: rootlessEuid && rootlessCgroups,
    cgroup_paths: cgroup.paths,
    namespace_paths: namespacePaths(pid),
    external_descriptors: descriptors ?? stdioOf(pid),
    intel_rdt_path: rdt?.path ?? "",
    ...rdt?.monPath === undefined ? {} : { intel_rdt_mon_path: rdt.monPath },
    runo: {
      version: 1,
      driver: cgroupManager,
      bootId: bootId(),
      spec,
      configPath,
      ...rdt === undefined || rdt.own.length === 0 ? {} : { rdtGroups: rdt.own },
      ..."creator" in init ? { creator: init.creator } : {},
    },
  };
}

const NAMESPACE_FILES = {
  NEWCGROUP: "cgroup",
  NEWIPC: "ipc",
  NEWNET: "net",
  NEWNS: "mnt",
  NEWPID: "pid",
  NEWUSER: "user",
  NEWUTS: "uts",
} as const;

function namespacePaths(pid: number): Record<string, string> | null {
  if (pid === 0) return null;
  return Object.fromEntries(Object.entries(NAMESPACE_FILES).map(([key, file]) => [key, `/proc/${pid}/ns/${file}`]));
}

/** Where stdio of a process leads; a terminal's own name is not of this mount namespace, so runc writes /dev/null too. */
export function stdioOf(pid: number): string[] | null {
  if (pid === 0) return null;
  return [0, 1, 2].map((fd) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "";
    }
  });
}

/** Now, as Go writes it: a fraction of a second without zeros at its end. */
export function now(): string {
  return new Date().toISOString().replace(/\.?0+Z$/, "Z");
}
