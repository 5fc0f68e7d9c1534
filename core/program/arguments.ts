/** Arguments of system calls as text, by the kernel's names: tables of what each argument is. */

import * as abi from "../../ffi/abi.ts";
import { CAP_DATA, CLONE_ARGS, MOUNT_ATTR, OPEN_HOW, RLIMIT64, SCHED_ATTR, STATFS, STATX } from "../../ffi/structs.ts";
import { Data, type Instruction, Reg, type Value, Within } from "./assembly.ts";
import { CONSTANTS } from "./constants.ts";

/** Text of an integer; `arch` is the column of the tables in abi.ts. */
type Show = (value: bigint, arch: 0 | 1, args: readonly Value[]) => string;

/** The arguments of an instruction, as `runo plan` prints them. */
export function argumentTexts({ operation, args }: Instruction, arch: 0 | 1): string[] {
  const texts = args.map((value, k) => {
    if (value instanceof Reg) return registerText(value);
    if (value instanceof Within) return withinText(value);
    if (value instanceof Data) return dataText(value, STRUCTURES[operation]?.[k], arch);
    if (typeof value === "string") return JSON.stringify(value);
    return (ARGUMENTS[operation]?.[k] ?? plain)(BigInt(value), arch, args);
  });
  while (TAILS.has(operation) && texts.length > 2 && texts.at(-1) === "0") texts.pop();
  return texts;
}

/** A register by its name: `$tree`, `$"dev/pts"`. */
export function registerText(reg: Reg): string {
  return /^[\w-]+$/.test(reg.name) ? `$${reg.name}` : `$"${reg.name}"`;
}

/** Calls of many variants, which have two arguments at least: zeros at the end mean that there are no more. */
const TAILS: ReadonlySet<string> = new Set(["prctl", "keyctl", "fsconfig"]);

const plain: Show = (value) => value === BigInt(abi.AT_FDCWD) ? "AT_FDCWD" : String(value);
const octal: Show = (value) => value === 0n ? "0" : `0${value.toString(8)}`;
const hexadecimal: Show = (value) => value === 0n ? "0" : `0x${value.toString(16)}`;
const limit: Show = (value) => value === 0xffffffffffffffffn ? "unlimited" : String(value);
const lastFd: Show = (value) => value === 0xffffffffn ? "~0" : String(value);

/** Constants by name: [x86_64, aarch64]. Of two that share bits the one with more of them comes first. */
const NAMED: readonly (readonly [name: string, values: readonly [bigint, bigint]])[] = Object.entries(CONSTANTS)
  .map(([name, value]): [string, [bigint, bigint]] => {
    const [x86_64, aarch64] = Array.isArray(value) ? value : [value, value];
    return [name, [BigInt(x86_64), BigInt(aarch64)]];
  })
  .sort(([, [one]], [, [other]]) => bitCount(other) - bitCount(one));

function bitCount(value: bigint): number {
  return value < 0n ? 64 : value.toString(2).replaceAll("0", "").length;
}

/** Whether a name begins like one of these, or is one. */
function chosen(prefixes: readonly string[]): (entry: readonly [name: string, values: readonly bigint[]]) => boolean {
  return ([name]) => prefixes.some((prefix) => prefix.endsWith("_") ? name.startsWith(prefix) : name === prefix);
}

/** "A|B" of the set bits that have names, the rest in hexadecimal. */
function flags(...prefixes: string[]): Show {
  const names = NAMED.filter(chosen(prefixes));
  return (value, arch) => {
    const found: string[] = [];
    let rest = value;
    for (const [name, { [arch]: bits }] of names) {
      if (bits <= 0n || (rest & bits) !== bits) continue;
      found.push(name);
      rest &= ~bits;
    }
    if (rest !== 0n || found.length === 0) found.push(rest === 0n ? "0" : `0x${rest.toString(16)}`);
    return found.join("|");
  };
}

/** The one constant with this value. */
function oneOf(...prefixes: string[]): Show {
  const names = NAMED.filter(chosen(prefixes));
  return (value, arch) => names.find(([, values]) => values[arch] === value)?.[0] ?? hexadecimal(value, arch, []);
}

/** What prctl(2) does depends on its first argument, and so does the meaning of the second. */
const prctlValue: Show = (value, arch, [option]) => {
  if (option === abi.PR_CAPBSET_DROP) return abi.CAPABILITIES[Number(value)] ?? String(value);
  return option === abi.PR_CAP_AMBIENT ? ambient(value, arch, []) : String(value);
};
const ambient = oneOf("PR_CAP_AMBIENT_RAISE", "PR_CAP_AMBIENT_CLEAR_ALL");
const prctlThird: Show = (value, _arch, [option, command]) =>
  option === abi.PR_CAP_AMBIENT && command === abi.PR_CAP_AMBIENT_RAISE
    ? abi.CAPABILITIES[Number(value)] ?? String(value)
    : String(value);

/** dev_t of mknod(2), new_encode_dev of the kernel. */
const device: Show = (value) => {
  const bits = Number(value);
  return `${(bits >> 8) & 0xfff}:${(bits & 0xff) | ((bits >> 12) & 0xfff00)}`;
};
const nodeMode: Show = (value, arch) => {
  const type = value & 0o170000n;
  return `${oneOf("S_IFCHR", "S_IFBLK", "S_IFREG", "S_IFIFO")(type, arch, [])}|${octal(value & ~type, arch, [])}`;
};
const resource: Show = (value) =>
  Object.keys(abi.RLIMITS).find((name) => abi.RLIMITS[name] === Number(value)) ?? String(value);

const signal: Show = (value) => value === BigInt(abi.SIGPIPE) ? "SIGPIPE" : String(value);

const open = flags("O_");
const at = (...names: string[]) => flags("AT_EMPTY_PATH", ...names);

/** What the integers among the arguments mean, in their order; what is missing is a plain number. */
const ARGUMENTS: Readonly<Record<string, readonly (Show | undefined)[]>> = {
  close_range: [undefined, lastFd, flags("CLOSE_RANGE_")],
  dup3: [undefined, undefined, open],
  faccessat2: [plain, undefined, oneOf("F_OK", "X_OK"), flags("AT_EACCESS")],
  fchmodat: [plain, undefined, octal],
  fchownat: [plain, undefined, undefined, undefined, at("AT_SYMLINK_NOFOLLOW")],
  fcntl: [undefined, oneOf("F_DUPFD", "F_GETFD", "F_SETFD", "F_SETFL", "F_DUPFD_CLOEXEC"), flags("FD_CLOEXEC")],
  fsconfig: [undefined, oneOf("FSCONFIG_")],
  fsmount: [undefined, flags("FSMOUNT_"), flags("MOUNT_ATTR_")],
  fsopen: [undefined, flags("FSOPEN_")],
  fspick: [plain, undefined, flags("FSPICK_")],
  ioctl: [undefined, oneOf("TIOCSCTTY", "TIOCSWINSZ", "TIOCSPTLCK", "TIOCGPTPEER", "SIOCSIFFLAGS"), open],
  ioprio_set: [oneOf("IOPRIO_WHO_")],
  keyctl: [oneOf("KEYCTL_"), undefined, hexadecimal],
  mkdirat: [plain, undefined, octal],
  mknodat: [plain, undefined, nodeMode, device],
  mount: [undefined, undefined, undefined, flags("MS_")],
  mount_setattr: [plain, undefined, at("AT_RECURSIVE")],
  move_mount: [plain, undefined, plain, undefined, flags("MOVE_MOUNT_")],
  open_tree: [plain, undefined, at("AT_RECURSIVE", "OPEN_TREE_")],
  openat: [plain, undefined, open, octal],
  prctl: [oneOf("PR_SET_", "PR_CAPBSET_", "PR_CAP_AMBIENT"), prctlValue, prctlThird],
  prlimit64: [undefined, resource],
  rt_sigaction: [signal],
  seccomp: [oneOf("SECCOMP_SET_"), flags("SECCOMP_FILTER_FLAG_")],
  setns: [undefined, flags("CLONE_")],
  socket: [oneOf("AF_"), flags("SOCK_DGRAM", "SOCK_CLOEXEC")],
  statx: [plain, undefined, at("AT_SYMLINK_NOFOLLOW"), flags("STATX_")],
  umask: [octal],
  umount2: [undefined, flags("MNT_", "UMOUNT_")],
  unshare: [flags("CLONE_")],
};

/** A structure and what its fields mean. */
interface Structure {
  readonly layout: { read(bytes: Uint8Array): Readonly<Record<string, number | bigint>> };
  readonly fields?: Readonly<Record<string, Show>>;
}

const CAPABILITY_SET: Readonly<Record<string, Show>> = Object.fromEntries(
  ["effective", "permitted", "inheritable"].flatMap((set) => [[`${set}_lo`, hexadecimal], [`${set}_hi`, hexadecimal]]),
);

/** What the memory at an argument holds. */
const STRUCTURES: Readonly<Record<string, Readonly<Record<number, Structure>>>> = {
  openat2: { 2: { layout: OPEN_HOW, fields: { flags: open, mode: octal, resolve: flags("RESOLVE_") } } },
  mount_setattr: {
    3: {
      layout: MOUNT_ATTR,
      fields: { attr_set: flags("MOUNT_ATTR_"), attr_clr: flags("MOUNT_ATTR_"), propagation: flags("MS_") },
    },
  },
  clone3: { 0: { layout: CLONE_ARGS, fields: { flags: flags("CLONE_") } } },
  prlimit64: { 2: { layout: RLIMIT64, fields: { rlim_cur: limit, rlim_max: limit } } },
  capset: { 1: { layout: CAP_DATA, fields: CAPABILITY_SET } },
  sched_setattr: { 1: { layout: SCHED_ATTR } },
};

function dataText(data: Data, known: Structure | undefined, arch: 0 | 1): string {
  if (known === undefined) return data.text ?? `${data.bytes.length} bytes`;
  const fields = Object.entries(known.layout.read(data.bytes)).filter(([, value]) => BigInt(value) !== 0n);
  const texts = fields.map(([name, value]) => `${name}: ${(known.fields?.[name] ?? plain)(BigInt(value), arch, [])}`);
  return `{${texts.join(", ")}}`;
}

/** Layouts of what programs read and write themselves, by the text of the data. */
const FIELDS: Readonly<Record<string, { fieldAt(offset: number): string | undefined }>> = {
  statfs: STATFS,
  statx: STATX,
  clone_args: CLONE_ARGS,
};

function withinText({ data, offset }: Within): string {
  const text = data.text ?? "data", field = FIELDS[text]?.fieldAt(offset);
  return field === undefined ? `${text}+${offset}` : `${text}.${field}`;
}
