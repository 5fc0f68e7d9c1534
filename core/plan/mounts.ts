/** The mounts of the config, in their order: made detached, given their attributes, attached by descriptor. */

import * as abi from "../../ffi/abi.ts";
import { Data, type Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Mount } from "../spec/types.ts";
import { ASK, MODE_BYTES } from "./asks.ts";
import { cgroupMount } from "./cgroup_mounts.ts";
import { type CreateInputs, hasNamespace } from "./inputs.ts";
import { isShown, shownFileSystem } from "./kernel_mounts.ts";
import { type Attributes, isBind, LOCKABLE, mountFlags, type MountOptions, parseOptions } from "./mount_options.ts";
import { labelFileSystem, labelQueues, mountContext } from "./labels.ts";
import { attachStep, expectProc, mountpointOf, mountStep } from "./mount_step.ts";
import { inRoot } from "./paths.ts";
import { allMounts, takeSource } from "./sources.ts";

/** File systems that are one for many mounts: they take attributes for each mount, but no flags for all. */
const SHARED_FILE_SYSTEMS = new Set(["proc", "sysfs", "mqueue", "cgroup", "cgroup2", "devpts"]);

/** fsconfig(2) takes values of at most 255 bytes. */
const FSCONFIG_VALUE_LIMIT = 255;

/** Makes all mounts. `sources` are those that had to be opened before, by the index of the mount. */
export function mounts(p: Program, root: Reg, inputs: CreateInputs, sources: ReadonlyMap<number, number>): void {
  for (const [i, mount] of allMounts(inputs).entries()) {
    const options = parseOptions(mount.options ?? []);
    if (options.remount) remount(p, root, mount, options, i);
    else if (isBind(mount)) bind(p, root, inputs, { mount, options, index: i, source: sources.get(i) });
    else if (mount.type === "cgroup" || mount.type === "cgroup2") cgroupMount(p, root, inputs, mount, options, i);
    else fileSystem(p, root, inputs, mount, options, i);
  }
}

interface BindMount {
  readonly mount: Mount;
  readonly options: MountOptions;
  readonly index: number;
  /** Its descriptor, when it has been opened before. */
  readonly source: number | undefined;
}

function bind(p: Program, root: Reg, inputs: CreateInputs, { mount, options, index, source }: BindMount): void {
  const tree = takeSource(p, index, inputs, source);
  const step = mountStep(p, mount, index);
  const at = mountpointOf(p, root, { mount, index }, { file: inputs.facts.sources.get(index) === "file" });
  if (changes(options.replace)) changeFlags(p, tree, options, hasNamespace(inputs.spec, "user"));
  if (inRoot(mount.destination) === "proc") expectProc(p, tree, mount);
  attachStep(p, mount, index);
  p.moveMount(tree, at);
  p.resume(step);
  changeBelow(p, tree, options);
  p.close(at);
  p.close(tree);
}

/**
 * Gives a bind mount the flags of its options and no others, as runc does. Flags that were set outside of the user namespace
 * are locked there: they stay, and core/host/locked_flags.ts has seen to it that no option wants them gone.
 */
function changeFlags(p: Program, tree: Reg, { replace, add }: MountOptions, userNamespace: boolean): void {
  const locked = p.label("keep the locked flags"), done = p.label("flags changed");
  const links = replace.set & abi.MOUNT_ATTR_NOSYMFOLLOW ? 0 : abi.MOUNT_ATTR_NOSYMFOLLOW;
  if (userNamespace) {
    p.mountSetattr(tree, "", { set: replace.set & LOCKABLE, clear: links });
    return;
  }
  p.mountSetattr(tree, "", replace, { on: "EPERM", to: locked });
  p.jump(done);
  p.place(locked);
  p.mountSetattr(tree, "", { set: add.set, clear: add.clear | links });
  p.place(done);
}

function fileSystem(
  p: Program,
  root: Reg,
  inputs: CreateInputs,
  mount: Mount,
  options: MountOptions,
  index: number,
): void {
  const type = mount.type ?? "none";
  mountStep(p, mount, index);
  // an ordinary directory for those whose files runo and the container trust: CVE-2019-19921
  const ordinary = type === "proc" || type === "sysfs";
  const mode = inheritedMode(type, options);
  const at = mountpointOf(p, root, { mount, index }, {
    file: false,
    ordinary,
    ...mode ? { existing: (place) => p.askWithFd(ASK.mode, "mode", place, { reply: mode }) } : {},
  });
  if (options.data.some((entry) => entry.length > FSCONFIG_VALUE_LIMIT)) {
    mountByPath(p, { root, at }, mount, options, inputs);
  } else {
    const attached = options.data.length === 0 && isShown(type, inputs.spec)
      ? shownFileSystem(p, type, mount, options)
      : newFileSystem(p, type, mount, options, inputs, mode);
    if (options.copyUp) copyUp(p, at, attached);
    p.moveMount(attached, at);
    changeBelow(p, attached, options);
    p.close(attached);
  }
  p.close(at);
}

/** The mode that a tmpfs takes over from the directory at its place, when there is one: the one of a new tmpfs so far. */
function inheritedMode(type: string, { data }: MountOptions): Data | undefined {
  if (type !== "tmpfs" || data.some((entry) => entry.startsWith("mode="))) return undefined;
  const text = new Data(new Uint8Array(MODE_BYTES), { text: "mode=(of the directory)" });
  text.bytes.set(new TextEncoder().encode("1777"));
  return text;
}

function copyUp(p: Program, hidden: Reg, tmpfs: Reg): void {
  p.askWithFd(ASK.copyFrom, "copyFrom", hidden);
  p.askWithFd(ASK.copyTo, "copyTo", tmpfs);
}

/** A tmpfs becomes read-only at the end, when its mount points and devices have been made. */
function firstAttributes(type: string, { attributes }: MountOptions): number {
  return type === "tmpfs" ? attributes & ~abi.MOUNT_ATTR_RDONLY : attributes;
}

/** A new mount of the type, detached. */
export function newFileSystem(
  p: Program,
  type: string,
  mount: Mount,
  options: MountOptions,
  inputs: CreateInputs,
  mode?: Data,
): Reg {
  const context = p.fsopen(type);
  if (mount.source !== undefined && mount.source !== "") p.fsconfigString(context, "source", mount.source);
  for (const flag of options.flags) p.fsconfigFlag(context, flag);
  if (!SHARED_FILE_SYSTEMS.has(type) && type !== "tmpfs" && options.attributes & abi.MOUNT_ATTR_RDONLY) {
    p.fsconfigFlag(context, "ro");
  }
  for (const [key, value] of entries(options)) {
    if (value === undefined) p.fsconfigFlag(context, key);
    else p.fsconfigString(context, key, value);
  }
  if (mode !== undefined) p.fsconfigString(context, "mode", mode);
  const label = inputs.spec.linux?.mountLabel;
  labelFileSystem(p, context, type, label);
  p.fsconfigCreate(context);
  const created = p.fsmount(context, firstAttributes(type, options));
  if (type === "mqueue" && label) labelQueues(p, created, label);
  return created;
}

/** The file system's own options as key and value. */
function entries({ data }: MountOptions): (readonly [string, string | undefined])[] {
  return data.map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, undefined] as const : [entry.slice(0, equals), entry.slice(equals + 1)] as const;
  });
}

/** mount(2), for option values that fsconfig(2) cannot take; "." is the place that was opened, not a path. */
function mountByPath(p: Program, { root, at }: Place, mount: Mount, options: MountOptions, inputs: CreateInputs): void {
  const type = mount.type ?? "none";
  // a label has commas of its own
  const text = (key: string, value: string) => key === "context" ? `${key}="${value}"` : `${key}=${value}`;
  const all = [...entries(options), ...mountContext(type, inputs.spec.linux?.mountLabel)];
  const data = all.map(([key, value]) => value === undefined ? key : text(key, value));
  p.emit("fchdir", [at]);
  const flags = mountFlags(firstAttributes(type, options));
  p.emit("mount", [mount.source ?? type, ".", type, flags, [...options.flags, ...data].join(",")]);
  if (!changes(options.recursive) && options.propagation.length === 0) return;
  // "." is still what lies below the new mount
  const mounted = p.openat2(root, inRoot(mount.destination));
  changeBelow(p, mounted, options);
  p.close(mounted);
}

interface Place {
  readonly root: Reg;
  readonly at: Reg;
}

/** What concerns the mounts below as well: rro and its like, propagation. */
function changeBelow(p: Program, mount: Reg, { recursive, propagation }: MountOptions): void {
  if (changes(recursive)) p.mountSetattr(mount, "", { ...recursive, recursive: true });
  for (const flag of propagation) {
    p.mountSetattr(mount, "", { propagation: flag & ~abi.MS_REC, recursive: (flag & abi.MS_REC) !== 0 });
  }
}

function changes({ set, clear }: Attributes): boolean {
  return set !== 0 || clear !== 0;
}

/** Changes a mount that is there already. */
function remount(p: Program, root: Reg, mount: Mount, options: MountOptions, index: number): void {
  mountStep(p, mount, index, " again (remount)");
  const at = inRoot(mount.destination) === "." ? root : p.openat2(root, inRoot(mount.destination));
  if (!options.bind && (options.data.length > 0 || options.flags.length > 0)) {
    const context = p.fspick(at);
    for (const entry of [...options.flags, ...options.data]) {
      const equals = entry.indexOf("=");
      if (equals < 0) p.fsconfigFlag(context, entry);
      else p.fsconfigString(context, entry.slice(0, equals), entry.slice(equals + 1));
    }
    p.fsconfigReconfigure(context);
    p.close(context);
  }
  if (changes(options.add)) p.mountSetattr(at, "", options.add);
  changeBelow(p, at, options);
  if (at !== root) p.close(at);
}

/** Makes those tmpfs read-only whose options say so. */
export function readonlyTmpfs(p: Program, root: Reg, inputs: CreateInputs): void {
  for (const [i, mount] of allMounts(inputs).entries()) {
    const options = parseOptions(mount.options ?? []);
    if (mount.type !== "tmpfs" || options.remount || !(options.attributes & abi.MOUNT_ATTR_RDONLY)) continue;
    p.step(`making the tmpfs at "${mount.destination}" read-only`, { pointer: `/mounts/${i}/options` });
    const at = p.openat2(root, inRoot(mount.destination));
    p.mountSetattr(at, "", { set: abi.MOUNT_ATTR_RDONLY });
    p.close(at);
  }
}
