/** Mounts of type cgroup: what a container sees at /sys/fs/cgroup. Behaviour: features of cgroup_namespaces(7). */

import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Mount } from "../spec/types.ts";
import { type CgroupMount, type CreateInputs, hasNamespace } from "./inputs.ts";
import { labelFileSystem } from "./labels.ts";
import type { MountOptions } from "./mount_options.ts";
import { mountpointOf, mountStep } from "./mount_step.ts";

/** Mounts the hierarchies: cgroup2 at the destination itself, those of v1 below a tmpfs there. */
export function cgroupMount(
  p: Program,
  root: Reg,
  inputs: CreateInputs,
  mount: Mount,
  options: MountOptions,
  index: number,
): void {
  const { cgroups } = inputs.facts;
  mountStep(p, mount, index);
  const at = mountpointOf(p, root, { mount, index }, { file: false });
  if (cgroups?.version === 2) version2(p, at, cgroups.mounts[0]!, inputs, options);
  else if (cgroups !== undefined) version1(p, at, cgroups.mounts, inputs, options);
  p.close(at);
}

/** The hierarchy itself; where the kernel refuses that (a user namespace without a cgroup namespace), a bind mount of it. */
function version2(p: Program, at: Reg, hierarchy: CgroupMount, inputs: CreateInputs, options: MountOptions): void {
  const refused = p.label("bind the cgroup instead"), done = p.label("cgroup mounted");
  if (hasNamespace(inputs.spec, "cgroup")) {
    const context = p.fsopen("cgroup2", { on: "any", to: refused });
    p.fsconfigString(context, "source", "cgroup");
    p.fsconfigCreate(context, { on: "any", to: refused });
    const mount = p.fsmount(context, options.attributes, { on: "any", to: refused });
    p.moveMount(mount, at);
    p.close(mount);
    p.jump(done);
  }
  p.place(refused);
  const tree = p.openTree(abi.AT_FDCWD, hierarchy.directory, { recursive: false });
  p.mountSetattr(tree, "", { set: options.attributes });
  p.moveMount(tree, at);
  p.close(tree);
  p.place(done);
}

function version1(
  p: Program,
  at: Reg,
  hierarchies: readonly CgroupMount[],
  inputs: CreateInputs,
  options: MountOptions,
): void {
  const context = p.fsopen("tmpfs");
  p.fsconfigString(context, "source", "tmpfs");
  p.fsconfigString(context, "mode", "755");
  labelFileSystem(p, context, "tmpfs", inputs.spec.linux?.mountLabel);
  p.fsconfigCreate(context);
  const safe = abi.MOUNT_ATTR_NOSUID | abi.MOUNT_ATTR_NODEV | abi.MOUNT_ATTR_NOEXEC;
  const tmpfs = p.fsmount(context, safe);
  p.moveMount(tmpfs, at);
  for (const hierarchy of hierarchies) {
    p.mkdirat(tmpfs, hierarchy.name, 0o755);
    const directory = p.openat2(tmpfs, hierarchy.name, { directory: true });
    const mount = hasNamespace(inputs.spec, "cgroup")
      ? ofHierarchy(p, hierarchy, options)
      : p.openTree(abi.AT_FDCWD, hierarchy.directory, { recursive: false });
    p.mountSetattr(mount, "", { set: options.attributes });
    p.moveMount(mount, directory);
    p.close(mount);
    p.close(directory);
    for (const link of hierarchy.links) p.emit("symlinkat", [hierarchy.name, tmpfs, link], { ignore: "EEXIST" });
  }
  p.mountSetattr(tmpfs, "", { set: options.attributes });
  p.close(tmpfs);
}

/** A mount of the hierarchy whose root is the cgroup namespace's. */
function ofHierarchy(p: Program, { name, data }: CgroupMount, options: MountOptions): Reg {
  const version2 = data === "";
  const context = p.fsopen(version2 ? "cgroup2" : "cgroup");
  p.fsconfigString(context, "source", name === "systemd" ? "systemd" : "cgroup");
  for (const entry of data.split(",").filter((part) => part !== "")) {
    const [key, value] = entry.split("=");
    if (value === undefined) p.fsconfigFlag(context, key!);
    else p.fsconfigString(context, key!, value);
  }
  p.fsconfigCreate(context);
  return p.fsmount(context, options.attributes);
}
