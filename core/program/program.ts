/**
 * The builder of programs: one typed method per operation, so that a plan reads like the imperative code it replaces.
 * Every descriptor that a program makes is close-on-exec; every path below a root is resolved with openat2 in that root.
 */

import * as abi from "../../ffi/abi.ts";
import { CLONE_ARGS, MOUNT_ATTR, OPEN_HOW, RLIMIT64, SIGACTION } from "../../ffi/structs.ts";
import { Assembly, Data, type Handling, Reg, type Value, Within } from "./assembly.ts";
import { MESSAGE, signalHandler, SOCKET_REGISTER, spentInstructions } from "./image.ts";
import { fdMessage, words } from "./blocks.ts";

/** How a path is opened. Without any of it: a place only (O_PATH), symlinks followed inside the root. */
export interface OpenOptions {
  readonly directory?: boolean;
  readonly read?: boolean;
  readonly write?: boolean;
  readonly nofollow?: boolean;
  readonly noctty?: boolean;
  readonly nonblock?: boolean;
  /** Refuse to leave the mount that the directory is on. */
  readonly sameMount?: boolean;
  /** Refuse any symlink on the way. */
  readonly noSymlinks?: boolean;
  /** Resolve below the directory as if it were the root (the default), or as the process sees it. */
  readonly resolve?: "in-root" | "host";
  /** Make the file if it is missing, with these permissions. */
  readonly create?: number;
}

/** What mount_setattr(2) changes. */
export interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  readonly propagation?: number;
  readonly recursive?: boolean;
  /** Descriptor of the user namespace of MOUNT_ATTR_IDMAP. */
  readonly userNamespace?: number;
}

const SOCKET = new Reg(SOCKET_REGISTER, "socket");
/** Of the kernel: 64 signals. */
const SIGNAL_SET_BYTES = 8;
const REPLY = new Data(new Uint8Array(8), { text: "reply" });

/** A program being written. */
export class Program extends Assembly {
  /** Opens `path` below `directory`; see `OpenOptions`. */
  openat2(directory: Reg | number, path: string, options: OpenOptions = {}, handling: Handling = {}): Reg {
    return this.openat2Into(this.register(path), directory, path, options, handling);
  }

  /** The same into a register of the caller, for the branches of one decision. */
  openat2Into(
    into: Reg,
    directory: Reg | number,
    path: string,
    options: OpenOptions = {},
    handling: Handling = {},
  ): Reg {
    return this.emitInto(into, "openat2", [directory, path, this.#openHow(options), OPEN_HOW.size], handling);
  }

  /** By what they say, as one number: a program opens many files in few ways. */
  readonly #hows = new Map<number, Data>();

  #openHow(options: OpenOptions): Data {
    const arch = this.arch === "x86_64" ? 0 : 1;
    const access = options.write
      ? (options.read ? abi.O_RDWR : abi.O_WRONLY)
      : options.read
      ? abi.O_RDONLY
      : abi.O_PATH;
    let flags = access | abi.O_CLOEXEC;
    if (options.directory) flags |= abi.O_DIRECTORY_BY_ARCH[arch];
    if (options.nofollow) flags |= abi.O_NOFOLLOW_BY_ARCH[arch];
    if (options.noctty) flags |= abi.O_NOCTTY;
    if (options.nonblock) flags |= abi.O_NONBLOCK;
    if (options.create !== undefined) flags |= abi.O_CREAT;
    let resolve = options.resolve === "host" ? 0 : abi.RESOLVE_IN_ROOT | abi.RESOLVE_NO_MAGICLINKS;
    if (options.noSymlinks) resolve |= abi.RESOLVE_NO_SYMLINKS;
    if (options.sameMount) resolve |= abi.RESOLVE_NO_XDEV;
    const mode = options.create ?? 0;
    const key = (flags * 0o10000 + mode) * 0x100 + resolve;
    const known = this.#hows.get(key);
    if (known !== undefined) return known;
    const how = new Data(OPEN_HOW.pack({ flags, mode, resolve }));
    this.#hows.set(key, how);
    return how;
  }

  /** Closes a descriptor and frees its register. */
  close(fd: Reg): void {
    this.emit("close", [fd], { ignore: "any" });
    this.free(fd);
  }

  /** Writes a short text, all or nothing (procfs, sysfs). */
  write(fd: Reg | number, text: string, handling: Handling = {}): void {
    this.emit("write", [fd, text, new TextEncoder().encode(text).length], handling);
  }

  /** Opens a file for writing, writes the text, closes it. */
  writeFile(
    directory: Reg | number,
    path: string,
    text: string,
    options: OpenOptions = {},
    handling: Handling = {},
  ): void {
    const fd = this.openat2(directory, path, { write: true, ...options }, handling);
    this.write(fd, text, handling);
    this.close(fd);
  }

  mkdirat(directory: Reg, name: string, mode: number, handling: Handling = {}): void {
    this.emit("mkdirat", [directory, name, mode], handling);
  }

  /** A copy of the mount at `path`, attached nowhere. */
  openTree(directory: Reg | number, path: string, options: { recursive: boolean }, handling: Handling = {}): Reg {
    return this.openTreeInto(this.register("tree"), directory, path, options, handling);
  }

  /** The same into a register of the caller. */
  openTreeInto(
    into: Reg,
    directory: Reg | number,
    path: string,
    options: { recursive: boolean },
    handling: Handling = {},
  ): Reg {
    let flags = abi.OPEN_TREE_CLONE | abi.OPEN_TREE_CLOEXEC;
    if (options.recursive) flags |= abi.AT_RECURSIVE;
    if (path === "") flags |= abi.AT_EMPTY_PATH;
    return this.emitInto(into, "open_tree", [directory, path, flags >>> 0], handling);
  }

  /** Attaches a mount to the place that `at` is. */
  moveMount(mount: Reg, at: Reg | number, path = "", handling: Handling = {}): void {
    const flags = abi.MOVE_MOUNT_F_EMPTY_PATH | (path === "" ? abi.MOVE_MOUNT_T_EMPTY_PATH : 0);
    this.emit("move_mount", [mount, "", at, path, flags], handling);
  }

  mountSetattr(mount: Reg | number, path: string, attributes: MountAttributes, handling: Handling = {}): void {
    const flags = (attributes.recursive ? abi.AT_RECURSIVE : 0) | (path === "" ? abi.AT_EMPTY_PATH : 0);
    const attr = this.#mountAttr(attributes);
    this.emit("mount_setattr", [mount, path, flags, attr, MOUNT_ATTR.size], handling);
  }

  /** By what they say: many mounts get the same. */
  readonly #mountAttrs = new Map<string, Data>();

  #mountAttr({ set = 0, clear = 0, propagation = 0, userNamespace = 0 }: MountAttributes): Data {
    const key = `${set} ${clear} ${propagation} ${userNamespace}`;
    const known = this.#mountAttrs.get(key);
    if (known !== undefined) return known;
    const attr = new Data(
      MOUNT_ATTR.pack({ attr_set: set, attr_clr: clear, propagation, userns_fd: userNamespace }),
    );
    this.#mountAttrs.set(key, attr);
    return attr;
  }

  fsopen(type: string, handling: Handling = {}): Reg {
    return this.emitInto(this.register(type), "fsopen", [type, abi.FSOPEN_CLOEXEC], handling);
  }

  fsconfigString(context: Reg, key: string, value: string | Data): void {
    this.emit("fsconfig", [context, abi.FSCONFIG_SET_STRING, key, value, 0], { log: context });
  }

  fsconfigFlag(context: Reg, key: string): void {
    this.emit("fsconfig", [context, abi.FSCONFIG_SET_FLAG, key, 0, 0], { log: context });
  }

  fsconfigCreate(context: Reg, handling: Handling = {}): void {
    this.emit("fsconfig", [context, abi.FSCONFIG_CMD_CREATE, 0, 0, 0], { log: context, ...handling });
  }

  fsconfigReconfigure(context: Reg): void {
    this.emit("fsconfig", [context, abi.FSCONFIG_CMD_RECONFIGURE, 0, 0, 0], { log: context });
  }

  /** The mount of a created file system context, attached nowhere; closes the context. */
  fsmount(context: Reg, attributes: number, handling: Handling = {}): Reg {
    return this.fsmountInto(this.register("mount"), context, attributes, handling);
  }

  /** The same into a register of the caller, for the branches of one decision. */
  fsmountInto(into: Reg, context: Reg, attributes: number, handling: Handling = {}): Reg {
    this.emitInto(into, "fsmount", [context, abi.FSMOUNT_CLOEXEC, attributes], { log: context, ...handling });
    this.close(context);
    return into;
  }

  fspick(mount: Reg): Reg {
    return this.emitInto(this.register("fs"), "fspick", [mount, "", abi.FSPICK_CLOEXEC | abi.FSPICK_EMPTY_PATH]);
  }

  setns(fd: Reg, flag: number, handling: Handling = {}): void {
    this.emit("setns", [fd, flag], handling);
  }

  unshare(flags: number, handling: Handling = {}): void {
    this.emit("unshare", [flags], handling);
  }

  /**
   * A child that is the host's child too (CLONE_PARENT), in new namespaces; the parent ends at once, the child goes on.
   * @param cgroup directory of a cgroup of v2 that the child starts in
   */
  cloneAndContinue(flags: number, cgroup?: Reg): void {
    const child = this.label("child");
    // clone3 wants exit_signal 0 together with CLONE_PARENT: the caller's own is taken
    const all = BigInt(flags | abi.CLONE_PARENT) | (cgroup === undefined ? 0n : abi.CLONE_INTO_CGROUP);
    const args = new Data(CLONE_ARGS.pack({ flags: all }), { text: "clone_args" });
    if (cgroup !== undefined) this.emit("store32", [cgroup, new Within(args, CLONE_ARGS.offset("cgroup"))]);
    this.emit("clone3", [args, CLONE_ARGS.size], { ifZero: child });
    this.emit("exit_group", [0]);
    this.place(child);
  }

  /** Gives signals their default action. */
  defaultAction(signals: readonly number[]): void {
    this.#sigaction(signals, new Data(SIGACTION.pack({ handler: 0 }), { text: "SIG_DFL" }));
  }

  /** Makes the process end when one of these signals arrives: the first of a pid namespace would not, by default. */
  endOn(signals: readonly number[]): void {
    const handler = signalHandler();
    const action = SIGACTION.pack({ handler, flags: abi.SA_RESTORER, restorer: handler });
    this.#sigaction(signals, new Data(action, { text: "end" }));
  }

  #sigaction(signals: readonly number[], action: Data): void {
    for (const signal of signals) this.emit("rt_sigaction", [signal, action, 0, SIGNAL_SET_BYTES]);
  }

  prctl(option: number, value: number | string = 0, third = 0, handling: Handling = {}): void {
    this.emit("prctl", [option, value, third, 0, 0], handling);
  }

  /** prlimit(2) on itself; RLIM_INFINITY is 2^64 - 1. */
  prlimit(resource: number, soft: bigint, hard: bigint, handling: Handling = {}): void {
    const limit = new Data(RLIMIT64.pack({ rlim_cur: soft, rlim_max: hard }));
    this.emit("prlimit64", [0, resource, limit, 0], handling);
  }

  /** Asks the host to do something and waits until it has. The host's end being closed ends the program. */
  ask(code: number, name: string): void {
    this.emit("write", [SOCKET, words([MESSAGE.ASK, code], `ask for ${name}`), 8]);
    this.#awaitReply(REPLY);
  }

  /** Asks with a number that is in a register. */
  askWith(code: number, name: string, value: Reg): void {
    const message = words([MESSAGE.ASK, code, 0], `ask for ${name}`);
    this.emit("store32", [value, new Within(message, 8)]);
    this.emit("write", [SOCKET, message, message.bytes.length]);
    this.#awaitReply(REPLY);
  }

  /** Sends a message that needs no answer: what counts is who sends it. */
  tell(what: string): void {
    this.emit("write", [SOCKET, words([MESSAGE.ASK, 0], `tell: ${what}`), 8]);
  }

  /** Asks with a descriptor for the host, and maybe a number. */
  askWithFd(
    code: number,
    name: string,
    fd: Reg,
    { reply = REPLY, number }: { readonly reply?: Data; readonly number?: number } = {},
  ): void {
    const { header, slot, content } = this.#fdMessage(code, name, number !== undefined);
    if (number !== undefined) this.emit("store32", [number, new Within(content, 8)]);
    this.emit("store32", [fd, slot]);
    this.emit("sendmsg", [SOCKET, header, 0]);
    this.#awaitReply(reply);
  }

  /** Many ask for the same, with other numbers. */
  readonly #fdMessages = new Map<number, ReturnType<typeof fdMessage>>();

  #fdMessage(code: number, name: string, numbered: boolean): ReturnType<typeof fdMessage> {
    const known = this.#fdMessages.get(code);
    if (known !== undefined) return known;
    const message = fdMessage(words([MESSAGE.ASK, code, ...numbered ? [0] : []], `ask for ${name}`));
    this.#fdMessages.set(code, message);
    return message;
  }

  #awaitReply(reply: Data): void {
    this.emit("read", [SOCKET, reply, reply.bytes.length], { failIfZero: true });
  }

  /** Gives back the memory of the instructions that have run: what waits for a long time should be small. */
  releaseSpent(): void {
    const { address, length } = spentInstructions(this.arch, this.instructions.length);
    if (length > 0) this.emit("munmap", [address, length], { ignore: "any" });
  }

  /** Ends the conversation. */
  hangUp(): void {
    this.emit("close", [SOCKET], { ignore: "any" });
    // the number will be another file's: no report may go there
    this.emitInto(SOCKET, "move", [-1]);
  }

  /** A register that holds the address of a string or of data. */
  addressOf(value: string | Data, into: Reg): void {
    this.emitInto(into, "move", [value]);
  }

  jump(to: ReturnType<Assembly["label"]>): void {
    this.emit("jump", [], { to });
  }

  /** Replaces the program by another. */
  execve(path: Value, argv: Data, envp: Data, handling: Handling = {}): void {
    this.emit("execve", [path, argv, envp], handling);
  }
}
