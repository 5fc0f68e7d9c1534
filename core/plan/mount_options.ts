/** The options of a mount in config.json, sorted by what the kernel wants to be told where. */

import * as abi from "../../ffi/abi.ts";
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
  readonly idmap: boolean;
  /** Of this mount. */
  readonly attributes: Attributes;
  /** Of this mount and all below it: rro and its like. */
  readonly recursive: Attributes;
  /** MS_SHARED and its like, in the order given, MS_REC included. */
  readonly propagation: readonly number[];
  /** Flags of the whole file system: "sync", "dirsync", "ro", ... as fsconfig(2) names them. */
  readonly flags: readonly string[];
  /** What only the file system understands: "size=64k". */
  readonly data: readonly string[];
}

type AttributeOption = readonly [set: number, clear: number];

/** Mount attributes by option. The access time options are one field of several bits: setting one clears the others. */
const ATTRIBUTES: Readonly<Record<string, AttributeOption>> = {
  ro: [abi.MOUNT_ATTR_RDONLY, 0],
  rw: [0, abi.MOUNT_ATTR_RDONLY],
  nosuid: [abi.MOUNT_ATTR_NOSUID, 0],
  suid: [0, abi.MOUNT_ATTR_NOSUID],
  nodev: [abi.MOUNT_ATTR_NODEV, 0],
  dev: [0, abi.MOUNT_ATTR_NODEV],
  noexec: [abi.MOUNT_ATTR_NOEXEC, 0],
  exec: [0, abi.MOUNT_ATTR_NOEXEC],
  noatime: [abi.MOUNT_ATTR_NOATIME, abi.MOUNT_ATTR__ATIME],
  atime: [abi.MOUNT_ATTR_RELATIME, abi.MOUNT_ATTR__ATIME],
  relatime: [abi.MOUNT_ATTR_RELATIME, abi.MOUNT_ATTR__ATIME],
  norelatime: [abi.MOUNT_ATTR_STRICTATIME, abi.MOUNT_ATTR__ATIME],
  strictatime: [abi.MOUNT_ATTR_STRICTATIME, abi.MOUNT_ATTR__ATIME],
  nostrictatime: [abi.MOUNT_ATTR_RELATIME, abi.MOUNT_ATTR__ATIME],
  nodiratime: [abi.MOUNT_ATTR_NODIRATIME, 0],
  diratime: [0, abi.MOUNT_ATTR_NODIRATIME],
  nosymfollow: [abi.MOUNT_ATTR_NOSYMFOLLOW, 0],
  symfollow: [0, abi.MOUNT_ATTR_NOSYMFOLLOW],
};

/** Options about the file system as a whole; "" takes an option back. */
const FLAGS: Readonly<Record<string, string>> = {
  sync: "sync",
  async: "",
  dirsync: "dirsync",
  lazytime: "lazytime",
  nolazytime: "",
  mand: "mand",
  nomand: "",
  iversion: "iversion",
  noiversion: "",
  silent: "silent",
  loud: "",
  defaults: "",
  acl: "",
};

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

const OTHERS = new Set(["bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap"]);

/** Sorts the options; of two that contradict each other the later one counts. */
export function parseOptions(options: readonly string[]): MountOptions {
  let attributes: Attributes = { set: 0, clear: 0 }, recursive: Attributes = { set: 0, clear: 0 };
  const propagation: number[] = [], flags: string[] = [], data: string[] = [];
  for (const option of options) {
    const own = ATTRIBUTES[option], below = option.startsWith("r") ? ATTRIBUTES[option.slice(1)] : undefined;
    if (own !== undefined) attributes = merge(attributes, own);
    else if (PROPAGATION[option] !== undefined) propagation.push(PROPAGATION[option]);
    else if (FLAGS[option] !== undefined) {
      if (FLAGS[option] !== "") flags.push(FLAGS[option]);
    } else if (below !== undefined) recursive = merge(recursive, below);
    else if (!OTHERS.has(option)) data.push(option);
  }
  const has = (option: string) => options.includes(option);
  return {
    bind: has("bind") || has("rbind"),
    recursiveBind: has("rbind"),
    remount: has("remount"),
    copyUp: has("tmpcopyup"),
    idmap: has("idmap") || has("ridmap"),
    attributes,
    recursive,
    propagation,
    flags,
    data,
  };
}

function merge({ set, clear }: Attributes, [adds, removes]: AttributeOption): Attributes {
  return { set: (set & ~removes) | adds, clear: (clear & ~adds) | removes };
}

/** True for mounts that show a part of the host's tree. */
export function isBind(mount: Mount): boolean {
  return mount.type === "bind" || (mount.options ?? []).some((option) => option === "bind" || option === "rbind");
}
