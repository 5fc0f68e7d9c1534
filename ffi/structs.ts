/** Layouts of the kernel's structures as data: fields in order, naturally aligned. Source: the uapi headers. */

type Field = "u8" | "u16" | "u32" | "i32" | "u64";
const SIZE = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8 } as const;

/** A structure whose fields can be written to, and read from, bytes. */
export class Layout<F extends Readonly<Record<string, Field>>> {
  readonly size: number;
  readonly #fields: readonly (readonly [string, Field, number])[];

  constructor(fields: F) {
    let offset = 0, align = 1;
    this.#fields = Object.entries(fields).map(([name, type]) => {
      const size = SIZE[type];
      offset = (offset + size - 1) & -size;
      align = Math.max(align, size);
      const placed = [name, type, offset] as const;
      offset += size;
      return placed;
    });
    this.size = (offset + align - 1) & -align;
  }

  /** Bytes of a structure with these values; absent fields are 0. */
  pack(values: { readonly [K in keyof F]?: number | bigint | undefined }): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(new ArrayBuffer(this.size));
    this.packInto(bytes, 0, values);
    return bytes;
  }

  /** Writes the values to where the structure begins in `bytes`; what is there of absent fields stays. */
  packInto(
    bytes: Uint8Array,
    start: number,
    values: { readonly [K in keyof F]?: number | bigint | undefined },
  ): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, this.size);
    for (const [name, type, at] of this.#fields) {
      const value = values[name];
      if (value === undefined) continue;
      if (type === "u64") setUint64(view, at, value);
      else if (type === "u8") view.setUint8(at, Number(value));
      else if (type === "u16") view.setUint16(at, Number(value), true);
      else view.setUint32(at, Number(value), true);
    }
  }

  /** The values in bytes; u64 as bigint. */
  read(bytes: Uint8Array): { [K in keyof F]: F[K] extends "u64" ? bigint : number } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values: Record<string, number | bigint> = {};
    for (const [name, type, at] of this.#fields) {
      if (type === "u64") values[name] = view.getBigUint64(at, true);
      else if (type === "u8") values[name] = view.getUint8(at);
      else if (type === "u16") values[name] = view.getUint16(at, true);
      else if (type === "i32") values[name] = view.getInt32(at, true);
      else values[name] = view.getUint32(at, true);
    }
    return values as { [K in keyof F]: F[K] extends "u64" ? bigint : number };
  }

  /** The field that starts at an offset, if one does. */
  fieldAt(offset: number): string | undefined {
    return this.#fields.find(([, , at]) => at === offset)?.[0];
  }

  /** Where a field starts, in bytes. */
  offset(field: keyof F & string): number {
    const found = this.#fields.find(([name]) => name === field);
    if (found === undefined) throw new RangeError(`no field "${field}"`);
    return found[2];
  }
}

/** Writes 64 bits; those of a number in two halves, for making a bigint costs more. */
export function setUint64(view: DataView, at: number, value: number | bigint): void {
  if (typeof value === "bigint") {
    view.setBigUint64(at, BigInt.asUintN(64, value), true);
  } else {
    view.setUint32(at, value, true);
    view.setUint32(at + 4, Math.floor(value / 0x100000000), true);
  }
}

/** struct open_how, openat2(2). */
export const OPEN_HOW = new Layout({ flags: "u64", mode: "u64", resolve: "u64" });

/** struct mount_attr, mount_setattr(2). */
export const MOUNT_ATTR = new Layout({ attr_set: "u64", attr_clr: "u64", propagation: "u64", userns_fd: "u64" });

/** struct clone_args, clone3(2). */
export const CLONE_ARGS = new Layout({
  flags: "u64",
  pidfd: "u64",
  child_tid: "u64",
  parent_tid: "u64",
  exit_signal: "u64",
  stack: "u64",
  stack_size: "u64",
  tls: "u64",
  set_tid: "u64",
  set_tid_size: "u64",
  cgroup: "u64",
});

/** struct rlimit64, prlimit(2). */
export const RLIMIT64 = new Layout({ rlim_cur: "u64", rlim_max: "u64" });

/** struct msghdr, sendmsg(2). */
export const MSGHDR = new Layout({
  name: "u64",
  namelen: "u32",
  iov: "u64",
  iovlen: "u64",
  control: "u64",
  controllen: "u64",
  flags: "u32",
});

/** struct iovec, sendmsg(2). */
export const IOVEC = new Layout({ base: "u64", len: "u64" });

/** struct cmsghdr followed by one descriptor, padded to 8: unix(7), SCM_RIGHTS. */
export const CMSG_FD = new Layout({ len: "u64", level: "i32", type: "i32", fd: "i32", pad: "u32" });

/** struct cmsghdr followed by struct ucred: unix(7), SCM_CREDENTIALS. */
export const CMSG_CREDENTIALS = new Layout({
  len: "u64",
  level: "i32",
  type: "i32",
  pid: "i32",
  uid: "u32",
  gid: "u32",
});

/** struct pollfd, poll(2). */
export const POLLFD = new Layout({ fd: "i32", events: "u16", revents: "u16" });

/** struct timespec, for ppoll(2). */
export const TIMESPEC = new Layout({ sec: "u64", nsec: "u64" });

/** struct winsize, ioctl_tty(2). */
export const WINSIZE = new Layout({ row: "u16", col: "u16", xpixel: "u16", ypixel: "u16" });

/** struct __user_cap_header_struct, capset(2). */
export const CAP_HEADER = new Layout({ version: "u32", pid: "i32" });

/** Two struct __user_cap_data_struct, capset(2) version 3: low and high 32 bits. */
export const CAP_DATA = new Layout({
  effective_lo: "u32",
  permitted_lo: "u32",
  inheritable_lo: "u32",
  effective_hi: "u32",
  permitted_hi: "u32",
  inheritable_hi: "u32",
});

/** struct sched_attr (SCHED_ATTR_SIZE_VER1 has two fields more), sched_setattr(2). */
export const SCHED_ATTR = new Layout({
  size: "u32",
  policy: "u32",
  flags: "u64",
  nice: "i32",
  priority: "u32",
  runtime: "u64",
  deadline: "u64",
  period: "u64",
});

/** The start of struct statx, statx(2): as much as programs look at. */
export const STATX = new Layout({
  mask: "u32",
  blksize: "u32",
  attributes: "u64",
  nlink: "u32",
  uid: "u32",
  gid: "u32",
  mode: "u16",
  spare0: "u16",
  ino: "u64",
  size: "u64",
  blocks: "u64",
  attributes_mask: "u64",
  atime_sec: "u64",
  atime_nsec: "u64",
  btime_sec: "u64",
  btime_nsec: "u64",
  ctime_sec: "u64",
  ctime_nsec: "u64",
  mtime_sec: "u64",
  mtime_nsec: "u64",
  rdev_major: "u32",
  rdev_minor: "u32",
  dev_major: "u32",
  dev_minor: "u32",
});

/** Bytes of the whole struct statx. */
export const STATX_SIZE = 256;

/** struct sigaction of the kernel; handler 0 is SIG_DFL. */
export const SIGACTION = new Layout({ handler: "u64", flags: "u64", restorer: "u64", mask: "u64" });

/** The flags of the kernel's struct termios; what follows them is kept as it is. */
export const TERMIOS = new Layout({ iflag: "u32", oflag: "u32", cflag: "u32", lflag: "u32" });

/** Elf64_Ehdr, elf(5); e_ident in its parts. */
export const EHDR = new Layout({
  magic: "u32",
  class: "u8",
  data: "u8",
  identVersion: "u8",
  abi: "u8",
  padding: "u64",
  type: "u16",
  machine: "u16",
  version: "u32",
  entry: "u64",
  phoff: "u64",
  shoff: "u64",
  flags: "u32",
  ehsize: "u16",
  phentsize: "u16",
  phnum: "u16",
  shentsize: "u16",
  shnum: "u16",
  shstrndx: "u16",
});

/** Elf64_Phdr, elf(5). */
export const PHDR = new Layout({
  type: "u32",
  flags: "u32",
  offset: "u64",
  vaddr: "u64",
  paddr: "u64",
  filesz: "u64",
  memsz: "u64",
  align: "u64",
});

/** struct statfs, statfs(2): the same on both architectures. */
export const STATFS = new Layout({
  type: "u64",
  bsize: "u64",
  blocks: "u64",
  bfree: "u64",
  bavail: "u64",
  files: "u64",
  ffree: "u64",
  fsid: "u64",
  namelen: "u64",
  frsize: "u64",
  flags: "u64",
  spare0: "u64",
  spare1: "u64",
  spare2: "u64",
  spare3: "u64",
});

/** struct bpf_insn, bpf(2); the registers are two halves of a byte, the destination in the lower. */
export const BPF_INSN = new Layout({ code: "u8", registers: "u8", off: "u16", imm: "i32" });

/** union bpf_attr for BPF_PROG_LOAD, as far as it is used. */
export const BPF_LOAD = new Layout({
  prog_type: "u32",
  insn_cnt: "u32",
  insns: "u64",
  license: "u64",
  log_level: "u32",
  log_size: "u32",
  log_buf: "u64",
  kern_version: "u32",
  prog_flags: "u32",
  name_low: "u64",
  name_high: "u64",
  prog_ifindex: "u32",
  expected_attach_type: "u32",
});

/** union bpf_attr for BPF_PROG_ATTACH and BPF_PROG_DETACH. */
export const BPF_ATTACH = new Layout({
  target_fd: "u32",
  attach_bpf_fd: "u32",
  attach_type: "u32",
  attach_flags: "u32",
  replace_bpf_fd: "u32",
});

/** union bpf_attr for BPF_PROG_QUERY; Linux 6.17 writes to the last field whatever size it is told. */
export const BPF_QUERY = new Layout({
  target_fd: "u32",
  attach_type: "u32",
  query_flags: "u32",
  attach_flags: "u32",
  prog_ids: "u64",
  prog_cnt: "u32",
  pad: "u32",
  prog_attach_flags: "u64",
  link_ids: "u64",
  link_attach_flags: "u64",
  revision: "u64",
});

/** union bpf_attr for BPF_PROG_GET_FD_BY_ID. */
export const BPF_FD_BY_ID = new Layout({ prog_id: "u32", next_id: "u32", open_flags: "u32" });

/** struct sock_filter, an instruction of classic BPF: linux/filter.h */
export const SOCK_FILTER = new Layout({ code: "u16", jt: "u8", jf: "u8", k: "u32" });

/** struct sock_fprog, seccomp(2). */
export const SOCK_FPROG = new Layout({ len: "u16", filter: "u64" });

/** struct nlmsghdr, netlink(7). */
export const NLMSGHDR = new Layout({ len: "u32", type: "u16", flags: "u16", seq: "u32", pid: "u32" });

/** struct ifinfomsg, rtnetlink(7). */
export const IFINFOMSG = new Layout({
  family: "u8",
  pad: "u8",
  type: "u16",
  index: "i32",
  flags: "u32",
  change: "u32",
});

/** struct ifaddrmsg, rtnetlink(7). */
export const IFADDRMSG = new Layout({ family: "u8", prefixlen: "u8", flags: "u8", scope: "u8", index: "u32" });

/** struct rtattr, rtnetlink(7). */
export const RTATTR = new Layout({ len: "u16", type: "u16" });
