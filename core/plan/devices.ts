/** Device nodes and links below /dev, made by descriptor in the root. */

import * as abi from "../../ffi/abi.ts";
import { STATX, STATX_SIZE } from "../../ffi/structs.ts";
import { Data, type Label, type Reg, Within } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Device } from "../spec/types.ts";
import { type CreateInputs, hasNamespace } from "./inputs.ts";
import { isBind } from "./mount_options.ts";
import { components, inRoot, makeDirectory } from "./paths.ts";
import { allMounts } from "./sources.ts";

/** The devices that every container has. */
const DEFAULT_DEVICES: readonly Device[] = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9, fileMode: 0o666, uid: 0, gid: 0 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0, fileMode: 0o666, uid: 0, gid: 0 },
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
];

/** Makes the devices and links, unless /dev is one of the host's directories. */
export function devices(p: Program, root: Reg, inputs: CreateInputs): void {
  if (allMounts(inputs).some((mount) => isBind(mount) && inRoot(mount.destination) === "dev")) return;
  const directories = new Map<string, Reg>();
  for (const { device, pointer } of deviceList(inputs)) {
    p.step(`making device "${device.path}"`, {
      pointer,
      hints: {
        EEXIST: "another file is there already",
        EPERM: "making devices needs CAP_MKNOD, and the device on the host to bind it instead",
      },
    });
    const parts = components(device.path);
    const name = parts.pop()!;
    const key = parts.join("/");
    const parent = directories.get(key) ?? makeDirectory(p, root, parts);
    directories.set(key, parent);
    makeDevice(p, { parent, name }, device, hasNamespace(inputs.spec, "user"));
  }
  p.step('making the links in "/dev"');
  links(p, directories.get("dev")!);
  for (const directory of directories.values()) if (directory !== root) p.close(directory);
}

/** Where a device goes. */
interface Place {
  readonly parent: Reg;
  readonly name: string;
}

function deviceList({ spec }: CreateInputs): { device: Device; pointer: string }[] {
  const own = (spec.linux?.devices ?? []).map((device, i) => ({ device, pointer: `/linux/devices/${i}` }));
  const taken = new Set(own.map(({ device }) => inRoot(device.path)));
  const defaults = DEFAULT_DEVICES.filter(({ path }) => !taken.has(inRoot(path)));
  // ptmx is the link to the container's own, whatever the config says: that of the host is of another devpts
  const made = own.filter(({ device }) => inRoot(device.path) !== "dev/ptmx");
  return [...defaults.map((device) => ({ device, pointer: "" })), ...made];
}

function makeDevice(p: Program, place: Place, device: Device, bindOnly: boolean): void {
  // anyone may make a FIFO, and the host need not have it
  if (bindOnly && device.type !== "p") return bindDevice(p, place, device);
  const { parent, name } = place;
  const done = p.label(`have ${device.path}`), bind = p.label(`bind ${device.path}`);
  keepExisting(p, place, device, done);
  p.emit("mknodat", [parent, name, fileMode(device), deviceNumber(device)], { on: "EPERM", to: bind });
  p.emit("fchownat", [parent, name, device.uid ?? 0, device.gid ?? 0, abi.AT_SYMLINK_NOFOLLOW]);
  p.jump(done);
  p.place(bind);
  bindDevice(p, place, device);
  p.place(done);
}

/** Not allowed to make devices (a user namespace): the host's own, over an empty file or whatever else is there. */
function bindDevice(p: Program, { parent, name }: Place, device: Device): void {
  p.emit("mknodat", [parent, name, abi.S_IFREG | 0o666, 0], { ignore: "EEXIST" });
  const at = p.openat2(parent, name, { nofollow: true });
  const tree = p.openTree(abi.AT_FDCWD, device.path, { recursive: false });
  p.moveMount(tree, at);
  p.close(tree);
  p.close(at);
}

/** Jumps to `done` if the very device is there; anything else that is there makes a call fail with EEXIST. */
function keepExisting(p: Program, { parent, name }: Place, device: Device, done: Label): void {
  const missing = p.label(`make ${device.path}`), other = p.label(`another ${device.path}`);
  const stat = new Data(new Uint8Array(STATX_SIZE), { text: "statx" });
  const mask = abi.STATX_TYPE | abi.STATX_MODE;
  p.emit("statx", [parent, name, abi.AT_SYMLINK_NOFOLLOW, mask, stat], { on: "ENOENT", to: missing });
  const word = p.register("word");
  const same = (field: "mode" | "rdev_major" | "rdev_minor", value: number) => {
    const equal = p.label(`same ${field}`);
    p.emitInto(word, "load32", [new Within(stat, STATX.offset(field))]);
    p.emit("jump_if_equal", [word, value], { to: equal });
    p.jump(other);
    p.place(equal);
  };
  if (device.type === "p") same("mode", fileMode(device));
  same("rdev_major", device.major ?? 0);
  same("rdev_minor", device.minor ?? 0);
  p.free(word);
  p.jump(done);
  p.place(other);
  p.mkdirat(parent, name, 0o700);
  p.place(missing);
}

/** Type and permissions, exact: the umask of init is 0. */
function fileMode({ type, fileMode = 0o666 }: Device): number {
  return (type === "b" ? abi.S_IFBLK : type === "p" ? abi.S_IFIFO : abi.S_IFCHR) | fileMode;
}

/** dev_t as mknod(2) takes it: new_encode_dev of the kernel. */
function deviceNumber({ major = 0, minor = 0 }: Device): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

function links(p: Program, dev: Reg): void {
  for (const [name, target] of LINKS) p.emit("symlinkat", [target, dev, name], { ignore: "EEXIST" });
  const noKcore = p.label("no kcore");
  p.emit("faccessat2", [abi.AT_FDCWD, "/proc/kcore", abi.F_OK, 0], { on: "any", to: noKcore });
  p.emit("symlinkat", ["/proc/kcore", dev, "core"], { ignore: "EEXIST" });
  p.place(noKcore);
  p.emit("unlinkat", [dev, "ptmx", 0], { ignore: "any" });
  p.emit("symlinkat", ["pts/ptmx", dev, "ptmx"], { ignore: "EEXIST" });
}
