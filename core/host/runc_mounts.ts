/** Mounts as runc writes them into state.json (libcontainer's `configs.Mount`). Observed from runc 1.1.5. */

import * as abi from "../../ffi/abi.ts";
import type { Mount } from "../spec/types.ts";

/** libcontainer's `configs.Mount`: flags are the numbers of mount(2). runc 1.2 and newer omit what is empty. */
export interface RuncMount {
  readonly source: string;
  readonly destination: string;
  /** The type of the file system, "bind" for bind mounts. */
  readonly device: string;
  readonly flags?: number;
  readonly propagation_flags?: readonly number[] | null;
  readonly data?: string;
  readonly relabel?: string;
  readonly rec_attr?: RuncMountAttr | null;
  readonly extensions?: number;
  readonly premount_cmds?: null;
  readonly postmount_cmds?: null;
}

/** struct mount_attr of mount_setattr(2), under the names that Go gives it. */
export interface RuncMountAttr {
  readonly Attr_set: number;
  readonly Attr_clr: number;
  readonly Propagation: number;
  readonly Userns_fd: number;
}

// two flags of mount(2) that no system call of runo needs
const MS_NOSYMFOLLOW = 256;
const MS_POSIXACL = 1 << 16;

/** libcontainer's EXT_COPYUP, the only extension. */
const EXTENSION_COPYUP = 1;

type Bits = readonly [set: number, clear: number];

const FLAGS: Readonly<Record<string, Bits>> = {
  acl: [MS_POSIXACL, 0],
  async: [0, abi.MS_SYNCHRONOUS],
  atime: [0, abi.MS_NOATIME],
  bind: [abi.MS_BIND, 0],
  defaults: [0, 0],
  dev: [0, abi.MS_NODEV],
  diratime: [0, abi.MS_NODIRATIME],
  dirsync: [abi.MS_DIRSYNC, 0],
  exec: [0, abi.MS_NOEXEC],
  iversion: [abi.MS_I_VERSION, 0],
  lazytime: [abi.MS_LAZYTIME, 0],
  loud: [0, abi.MS_SILENT],
  mand: [abi.MS_MANDLOCK, 0],
  noacl: [0, MS_POSIXACL],
  noatime: [abi.MS_NOATIME, 0],
  nodev: [abi.MS_NODEV, 0],
  nodiratime: [abi.MS_NODIRATIME, 0],
  noexec: [abi.MS_NOEXEC, 0],
  noiversion: [0, abi.MS_I_VERSION],
  nolazytime: [0, abi.MS_LAZYTIME],
  nomand: [0, abi.MS_MANDLOCK],
  norelatime: [0, abi.MS_RELATIME],
  nostrictatime: [0, abi.MS_STRICTATIME],
  nosuid: [abi.MS_NOSUID, 0],
  nosymfollow: [MS_NOSYMFOLLOW, 0],
  rbind: [abi.MS_BIND | abi.MS_REC, 0],
  relatime: [abi.MS_RELATIME, 0],
  remount: [abi.MS_REMOUNT, 0],
  ro: [abi.MS_RDONLY, 0],
  rw: [0, abi.MS_RDONLY],
  silent: [abi.MS_SILENT, 0],
  strictatime: [abi.MS_STRICTATIME, 0],
  suid: [0, abi.MS_NOSUID],
  symfollow: [0, MS_NOSYMFOLLOW],
  sync: [abi.MS_SYNCHRONOUS, 0],
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: abi.MS_PRIVATE,
  shared: abi.MS_SHARED,
  slave: abi.MS_SLAVE,
  unbindable: abi.MS_UNBINDABLE,
  rprivate: abi.MS_PRIVATE | abi.MS_REC,
  rshared: abi.MS_SHARED | abi.MS_REC,
  rslave: abi.MS_SLAVE | abi.MS_REC,
  runbindable: abi.MS_UNBINDABLE | abi.MS_REC,
};

// setting an access time mode means clearing the whole field first, mount_setattr(2)
const RECURSIVE: Readonly<Record<string, Bits>> = {
  rro: [abi.MOUNT_ATTR_RDONLY, 0],
  rrw: [0, abi.MOUNT_ATTR_RDONLY],
  rnosuid: [abi.MOUNT_ATTR_NOSUID, 0],
  rsuid: [0, abi.MOUNT_ATTR_NOSUID],
  rnodev: [abi.MOUNT_ATTR_NODEV, 0],
  rdev: [0, abi.MOUNT_ATTR_NODEV],
  rnoexec: [abi.MOUNT_ATTR_NOEXEC, 0],
  rexec: [0, abi.MOUNT_ATTR_NOEXEC],
  rnodiratime: [abi.MOUNT_ATTR_NODIRATIME, 0],
  rdiratime: [0, abi.MOUNT_ATTR_NODIRATIME],
  rrelatime: [abi.MOUNT_ATTR_RELATIME, abi.MOUNT_ATTR__ATIME],
  rnorelatime: [0, abi.MOUNT_ATTR_RELATIME],
  rnoatime: [abi.MOUNT_ATTR_NOATIME, abi.MOUNT_ATTR__ATIME],
  ratime: [0, abi.MOUNT_ATTR_NOATIME],
  rstrictatime: [abi.MOUNT_ATTR_STRICTATIME, abi.MOUNT_ATTR__ATIME],
  rnostrictatime: [0, abi.MOUNT_ATTR_STRICTATIME],
  rnosymfollow: [abi.MOUNT_ATTR_NOSYMFOLLOW, 0],
  rsymfollow: [0, abi.MOUNT_ATTR_NOSYMFOLLOW],
};

// id-mapped mounts are newer than this format and have no field in it
const UNRECORDED = new Set(["idmap", "ridmap"]);

/** One mount of config.json in runc's form; `resolve` makes the source of a bind mount absolute. */
export function runcMount(mount: Mount, resolve: (source: string) => string): RuncMount {
  const options = sortOptions(mount.options ?? []);
  const isBind = (options.flags & abi.MS_BIND) !== 0 || mount.type === "bind";
  const source = mount.source ?? "";
  return {
    source: isBind ? resolve(source) : source,
    destination: mount.destination,
    // runc ignores the type of a bind mount
    device: isBind ? "bind" : mount.type ?? "",
    flags: options.flags,
    propagation_flags: options.propagation.length > 0 ? options.propagation : null,
    data: options.data.join(","),
    relabel: "",
    rec_attr: options.recursive,
    extensions: options.extensions,
    premount_cmds: null,
    postmount_cmds: null,
  };
}

interface SortedOptions {
  readonly flags: number;
  readonly propagation: readonly number[];
  readonly data: readonly string[];
  readonly recursive: RuncMountAttr | null;
  readonly extensions: number;
}

function sortOptions(options: readonly string[]): SortedOptions {
  let flags = 0, extensions = 0, set = 0, clear = 0;
  const propagation: number[] = [], data: string[] = [];
  for (const option of options) {
    const flag = FLAGS[option], below = RECURSIVE[option], spread = PROPAGATION[option];
    if (flag !== undefined) flags = (flags | flag[0]) & ~flag[1];
    else if (spread !== undefined) propagation.push(spread);
    else if (below !== undefined) [set, clear] = [set | below[0], clear | below[1]];
    else if (option === "tmpcopyup") extensions |= EXTENSION_COPYUP;
    else if (!UNRECORDED.has(option)) data.push(option);
  }
  const recursive = (set | clear) === 0 ? null : { Attr_set: set, Attr_clr: clear, Propagation: 0, Userns_fd: 0 };
  return { flags, propagation, data, recursive, extensions };
}

/** `linux.rootfsPropagation` as flags of mount(2), 0 when absent. */
export function propagationFlags(name: string | undefined): number {
  return name === undefined ? 0 : PROPAGATION[name] ?? 0;
}
