/** procfs and sysfs: new ones where the kernel allows it, else copies of the host's. user_namespaces(7), sysfs(5) */

import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Mount, Spec } from "../spec/types.ts";
import { isNew } from "./inputs.ts";
import { LOCKABLE, type MountOptions } from "./mount_options.ts";

const HOSTS = { proc: "/proc", sysfs: "/sys" } as const;
type KernelType = keyof typeof HOSTS;

/** No descriptor. */
const NONE = -1;

/** The namespace that each belongs to. */
const OWNERS = { proc: "pid", sysfs: "network" } as const;

/**
 * True for a file system that shows what the container shares with the host. Only who owns its namespace may mount it; of
 * what is the container's own, the host's is no copy.
 */
export function isShown(type: string, spec: Spec): type is KernelType {
  return type in OWNERS && !isNew(spec, OWNERS[type as KernelType]);
}

/** The mount, detached; the flags of a copy are those of all that is mounted below it as well. */
export function shownFileSystem(p: Program, type: KernelType, { source }: Mount, options: MountOptions): Reg {
  const context = p.register(type), mount = p.register("mount");
  const refused = p.label(`bind the host's ${type}`), done = p.label(`have ${type}`);
  const handling = { on: "EPERM", to: refused } as const;
  p.emitInto(context, "move", [NONE]);
  p.emitInto(context, "fsopen", [type, abi.FSOPEN_CLOEXEC], handling);
  if (source !== undefined && source !== "") p.fsconfigString(context, "source", source);
  p.fsconfigCreate(context, handling);
  p.emitInto(mount, "fsmount", [context, abi.FSMOUNT_CLOEXEC, options.attributes], { log: context, ...handling });
  p.jump(done);
  p.place(refused);
  p.openTreeInto(mount, abi.AT_FDCWD, HOSTS[type], { recursive: true });
  const flags = options.attributes & LOCKABLE;
  if (flags !== 0) p.mountSetattr(mount, "", { set: flags, recursive: true });
  p.place(done);
  p.close(context);
  return mount;
}
