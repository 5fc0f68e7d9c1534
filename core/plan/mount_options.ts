/** The options of a mount in config.json, sorted by what the kernel wants to be told where. */

import * as abi from "../../ffi/abi.ts";
import { parseIdmapOption } from "../spec/idmap_option.ts";
import type { Mount } from "../spec/types.ts";

/** Attributes of one mount: bits to set and bits to clear (MOUNT_ATTR_*). */
export interface Attributes {
  readonly set: number;
  readonly clear: number;
}

/** All options of a mount. */
export interface MountOptions {
  readonly bind: boolean;
  readonly recursiveBind: boolean;
  readonly remount: boolean;
  readonly copyUp: boolean;
  /** Attributes of a new mount. */
  readonly attributes: number;
  /** Changes that make a mount have these attributes and no others; the access time stays unless it is asked for. */
  readonly replace: Attributes;
  /** Changes that touch only what the options name. */
  readonly add: Attributes;
  /** The attributes that must be gone, and the access time that must be, when flags of the source are locked. */
  readonly demands: { readonly cleared: number; readonly accessTime: number | undefined };
  /** Of this mount and all below it: rro and its like. */
  readonly recursive: Attributes;
  /** MS_SHARED and its like, in the order given, MS_REC included. */
  readonly propagation: readonly number[];
  /** Flags of the whole file system: "sync", "dirsync", "ro", ... as fsconfig(2) names them. */
  readonly flags: readonly string[];
  /** What only the file system understands: "size=64k". */
  readonly data: readonly string[];
}

/** Bits for the options about the access time; the kernel's field has no bit for relatime. */
const RELATIME = 0x40;
const ATIME_OPTIONS = abi.MOUNT_ATTR_NOATIME | abi.MOUNT_ATTR_STRICTATIME | RELATIME | abi.MOUNT_ATTR_NODIRATIME;
const ATIME_FIELD = abi.MOUNT_ATTR__ATIME | abi.MOUNT_ATTR_NODIRATIME;
const SIMPLE = abi.MOUNT_ATTR_RDONLY | abi.MOUNT_ATTR_NOSUID | abi.MOUNT_ATTR_NODEV | abi.MOUNT_ATTR_NOEXEC |
  abi.MOUNT_ATTR_NOSYMFOLLOW;

/** What the kernel lets nobody in a user namespace take away from a mount of outside: mount_namespaces(7). */
export const LOCKABLE: number = SIMPLE & ~abi.MOUNT_ATTR_NOSYMFOLLOW;

/** Which bit an option sets, or takes back. */
const BITS: Readonly<Record<string, readonly [bit: number, set: boolean]>> = {
  ro: [abi.MOUNT_ATTR_RDONLY, true],
  rw: [abi.MOUNT_ATTR_RDONLY, false],
  nosuid: [abi.MOUNT_ATTR_NOSUID, true],
  suid: [abi.MOUNT_ATTR_NOSUID, false],
  nodev: [abi.MOUNT_ATTR_NODEV, true],
  dev: [abi.MOUNT_ATTR_NODEV, false],
  noexec: [abi.MOUNT_ATTR_NOEXEC, true],
  exec: [abi.MOUNT_ATTR_NOEXEC, false],
  nosymfollow: [abi.MOUNT_ATTR_NOSYMFOLLOW, true],
  symfollow: [abi.MOUNT_ATTR_NOSYMFOLLOW, false],
  noatime: [abi.MOUNT_ATTR_NOATIME, true],
  atime: [abi.MOUNT_ATTR_NOATIME, false],
  relatime: [RELATIME, true],
  norelatime: [RELATIME, false],
  strictatime: [abi.MOUNT_ATTR_STRICTATIME, true],
  nostrictatime: [abi.MOUNT_ATTR_STRICTATIME, false],
  nodiratime: [abi.MOUNT_ATTR_NODIRATIME, true],
  diratime: [abi.MOUNT_ATTR_NODIRATIME, false],
};

/** Options about the file system as a whole: the flag that one sets, or takes back. */
const FLAGS: Readonly<Record<string, readonly [flag: string, set: boolean]>> = {
  sync: ["sync", true],
  async: ["sync", false],
  dirsync: ["dirsync", true],
  lazytime: ["lazytime", true],
  nolazytime: ["lazytime", false],
  mand: ["mand", true],
  nomand: ["mand", false],
};

/** Flags of mount(2) that fsconfig(2) has no name for: how loud the kernel is, and what file systems do anyway. */
const UNNAMED = new Set(["silent", "loud", "iversion", "noiversion"]);

const PROPAGATION: Readonly<Record<string, number>> = {
  private: abi.MS_PRIVATE,
  rprivate: abi.MS_PRIVATE | abi.MS_REC,
  shared: abi.MS_SHARED,
  rshared: abi.MS_SHARED | abi.MS_REC,
  slave: abi.MS_SLAVE,
  rslave: abi.MS_SLAVE | abi.MS_REC,
  unbindable: abi.MS_UNBINDABLE,
  runbindable: abi.MS_UNBINDABLE | abi.MS_REC,
};

/** What says something else than a flag, or nothing at all. */
const OTHERS = new Set(["bind", "rbind", "remount", "tmpcopyup", "defaults", "acl"]);

function isOther(option: string): boolean {
  return OTHERS.has(option) || UNNAMED.has(option) || parseIdmapOption(option) !== undefined;
}

/** Sorts the options; of two that contradict each other the later one counts. */
export function parseOptions(options: readonly string[]): MountOptions {
  let own: Bits = NO_BITS, below: Bits = NO_BITS, named = false;
  const propagation: number[] = [], data: string[] = [], flags = new Set<string>();
  for (const option of options) {
    const bit = BITS[option], flag = FLAGS[option], recursive = /^r./.test(option) ? BITS[option.slice(1)] : undefined;
    named ||= bit !== undefined || flag !== undefined || UNNAMED.has(option);
    if (bit !== undefined) own = change(own, bit);
    else if (flag !== undefined) flag[1] ? flags.add(flag[0]) : flags.delete(flag[0]);
    else if (PROPAGATION[option] !== undefined) propagation.push(PROPAGATION[option]);
    else if (recursive !== undefined) below = change(below, recursive);
    else if (!isOther(option)) data.push(option);
  }
  const has = (option: string) => options.includes(option);
  return {
    bind: has("bind") || has("rbind"),
    recursiveBind: has("rbind"),
    remount: has("remount"),
    copyUp: has("tmpcopyup"),
    attributes: (own.set & SIMPLE) | accessTime(own.set),
    replace: named ? replacing(own) : { set: 0, clear: 0 },
    add: adding(own),
    demands: {
      cleared: own.cleared & LOCKABLE,
      accessTime: own.set & ATIME_OPTIONS ? accessTime(own.set) : undefined,
    },
    recursive: recursively(below),
    propagation,
    flags: [...flags],
    data,
  };
}

/** Options that were given, and options that were taken back. */
interface Bits {
  readonly set: number;
  readonly cleared: number;
}

const NO_BITS: Bits = { set: 0, cleared: 0 };

function change({ set, cleared }: Bits, [bit, on]: readonly [number, boolean]): Bits {
  return on ? { set: set | bit, cleared: cleared & ~bit } : { set: set & ~bit, cleared: cleared | bit };
}

/** As mount(2) reads the options: strictatime beats noatime, relatime is what is left. */
function accessTime(set: number): number {
  const directories = set & abi.MOUNT_ATTR_NODIRATIME;
  if (set & abi.MOUNT_ATTR_STRICTATIME) return directories | abi.MOUNT_ATTR_STRICTATIME;
  return directories | (set & abi.MOUNT_ATTR_NOATIME);
}

// mount(2) with MS_BIND|MS_REMOUNT does the same: it keeps the access time as it is when no option asks for one
function replacing({ set }: Bits): Attributes {
  const wanted = (set & SIMPLE) | accessTime(set);
  const time = set & ATIME_OPTIONS ? ATIME_FIELD : 0;
  return { set: wanted, clear: (SIMPLE & ~wanted) | time };
}

// mount_setattr(2): whoever sets an access time must clear the field
function recursively({ set, cleared }: Bits): Attributes {
  const plain = SIMPLE | abi.MOUNT_ATTR_NODIRATIME;
  const time = (set | cleared) & ATIME_OPTIONS & ~abi.MOUNT_ATTR_NODIRATIME ? abi.MOUNT_ATTR__ATIME : 0;
  return { set: (set & SIMPLE) | accessTime(set), clear: (cleared & plain) | time };
}

function adding({ set, cleared }: Bits): Attributes {
  const time = set & ATIME_OPTIONS ? ATIME_FIELD : 0;
  return { set: (set & SIMPLE) | accessTime(set), clear: (cleared & SIMPLE) | time };
}

/** The same attributes as mount(2) wants them. */
export function mountFlags(attributes: number): number {
  const same = abi.MOUNT_ATTR_RDONLY | abi.MOUNT_ATTR_NOSUID | abi.MOUNT_ATTR_NODEV | abi.MOUNT_ATTR_NOEXEC;
  const others = [
    [abi.MOUNT_ATTR_NOATIME, abi.MS_NOATIME],
    [abi.MOUNT_ATTR_STRICTATIME, abi.MS_STRICTATIME],
    [abi.MOUNT_ATTR_NODIRATIME, abi.MS_NODIRATIME],
    [abi.MOUNT_ATTR_NOSYMFOLLOW, abi.MS_NOSYMFOLLOW],
  ] as const;
  return others.reduce((flags, [bit, flag]) => attributes & bit ? flags | flag : flags, attributes & same);
}

/** True for mounts that show a part of the host's tree. */
export function isBind(mount: Mount): boolean {
  return mount.type === "bind" || (mount.options ?? []).some((option) => option === "bind" || option === "rbind");
}
