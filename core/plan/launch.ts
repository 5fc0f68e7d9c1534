/** The last steps: environment, working directory, the executable, the wait for `start`, execve. */

import * as abi from "../../ffi/abi.ts";
import { Data, type Handling, type Label, type Reg, type Value } from "../program/assembly.ts";
import { table } from "../program/blocks.ts";
import type { Program } from "../program/program.ts";
import type { Process } from "../spec/types.ts";
import { ASK, HOME_BYTES } from "./asks.ts";
import { fail } from "./checks.ts";
import { type CreateInputs, hasNamespace } from "./inputs.ts";
import { filter } from "./confine.ts";
import { showToCaller } from "./namespaces.ts";
import { components, inRoot, makeDirectory } from "./paths.ts";
import { loadSeccomp, type SeccompInputs, seccompMoment } from "./seccomp.ts";

const EACCES = -13;

/** What these steps look at. */
type LaunchInputs = Pick<CreateInputs, "spec" | "extraEnv" | "keepFds">;

/** The environment of the user's program; HOME from the container's passwd when the config has none. */
export function environment(p: Program, root: Reg, { spec, extraEnv }: LaunchInputs): Data {
  const variables = lastOfEach([...spec.process?.env ?? [], ...extraEnv]);
  const home = variables.find((entry) => entry.startsWith("HOME="));
  if (home !== undefined && home !== "HOME=") return table(variables);
  const found = new Data(new Uint8Array(HOME_BYTES), { text: "HOME=(from /etc/passwd)" });
  found.bytes.set(new TextEncoder().encode("HOME=/"));
  p.step('looking up the home directory in "/etc/passwd"');
  const none = p.label("no passwd");
  const passwd = p.openat2(root, "etc/passwd", { read: true, nonblock: true }, { on: "any", to: none });
  p.askWithFd(ASK.home, "home", passwd, { reply: found });
  p.close(passwd);
  p.place(none);
  return table([...variables.filter((entry) => entry !== home), found]);
}

/** Of two variables with one name the later counts, in the place of the first. */
function lastOfEach(env: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const entry of env) byName.set(entry.slice(0, entry.indexOf("=")), entry);
  return [...byName.values()];
}

/** Makes process.cwd if it is missing, while the root file system can still be written to. */
export function makeWorkingDirectory(p: Program, root: Reg, { spec }: LaunchInputs): void {
  const cwd = spec.process?.cwd ?? "/";
  if (components(cwd).length === 0) return;
  directoryStep(p, "making", cwd);
  const missing = p.label(`make ${cwd}`), have = p.label(`have ${cwd}`);
  p.close(p.openat2(root, inRoot(cwd), {}, { on: "ENOENT", to: missing }));
  p.jump(have);
  p.place(missing);
  p.close(makeDirectory(p, root, components(cwd)));
  p.place(have);
}

/** Enters process.cwd; `retry` tries again as the user what root was not allowed (NFS, FUSE). */
export function enterWorkingDirectory(p: Program, root: Reg, { spec }: LaunchInputs): { retry: () => void } {
  const cwd = spec.process?.cwd ?? "/";
  directoryStep(p, "entering", cwd);
  const result = p.register("entered"), later = p.label("try as the user");
  p.emitInto(result, "move", [EACCES]);
  const directory = p.openat2(root, inRoot(cwd), { directory: true }, { on: "EACCES", to: later });
  p.emitInto(result, "fchdir", [directory], { on: "EACCES", to: later });
  p.place(later);
  p.close(directory);
  return {
    retry: () => {
      directoryStep(p, "entering", cwd);
      const entered = p.label("entered");
      p.emit("jump_if_equal", [result, 0], { to: entered });
      const again = p.openat2(root, inRoot(cwd), { directory: true });
      p.emit("fchdir", [again]);
      p.close(again);
      p.place(entered);
      p.free(result);
    },
  };
}

function directoryStep(p: Program, verb: string, cwd: string): void {
  const words = (reason: string) => `chdir to cwd ("${cwd}") set in config.json failed: ${reason}`;
  p.step(`${verb} the working directory "${cwd}"`, {
    pointer: "/process/cwd",
    hints: { EROFS: "it is missing and the file system is read-only" },
    sentences: {
      // a link of procfs to a descriptor: CVE-2024-21626
      ELOOP:
        "current working directory is outside of container mount namespace root -- possible container breakout detected",
      // callers tell exit codes by these words, which are about what the user asked for
      ENOENT: words("no such file or directory"),
      ENOTDIR: words("not a directory"),
      EACCES: words("permission denied"),
    },
  });
}

/** A register with the path of the executable: args[0], or what PATH finds, looked up as the user. */
export function chooseExecutable(p: Program, { spec }: LaunchInputs): Reg {
  const process = spec.process as Process;
  const command = process.args![0]!;
  const path = p.register("executable");
  const found = p.label("executable found");
  const prefix = `unable to start container process: exec: "${command}"`;
  if (command.includes("/")) {
    // these words are about the user's own command: callers tell exit codes 126 and 127 by them
    p.step(`finding the executable "${command}"`, {
      pointer: "/process/args/0",
      sentences: {
        ENOENT: `${prefix}: stat ${command}: no such file or directory`,
        ENOTDIR: `${prefix}: stat ${command}: not a directory`,
        EACCES: `${prefix}: permission denied`,
        EBADF: `${prefix}: is a directory`,
      },
    });
    p.emit("faccessat2", [abi.AT_FDCWD, command, abi.X_OK, abi.AT_EACCESS]);
    candidate(p, command, path, found);
    fail(p);
  } else {
    p.step(`finding the executable "${command}" in PATH`, {
      pointer: "/process/args/0",
      sentences: { EBADF: `${prefix}: executable file not found in $PATH` },
    });
    for (const directory of searchPath(process.env ?? [])) {
      const next = p.label(`not in ${directory}`);
      const file = `${directory === "" ? "." : directory}/${command}`;
      p.emit("faccessat2", [abi.AT_FDCWD, file, abi.X_OK, abi.AT_EACCESS], { on: "any", to: next });
      candidate(p, file, path, found);
      p.place(next);
    }
    fail(p);
  }
  p.place(found);
  return path;
}

/** Takes the file, if it is not a directory, and jumps to `found`. */
function candidate(p: Program, file: string, path: Reg, found: Label): void {
  p.addressOf(file, path);
  const directory = p.openat2(abi.AT_FDCWD, file, { directory: true, resolve: "host" }, { on: "any", to: found });
  p.close(directory);
}

function searchPath(env: readonly string[]): string[] {
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path === "" ? [] : path.split(":");
}

/** Tells the host that all is prepared, waits for `start`, executes. */
export function launch(p: Program, proc: Reg, root: Reg, inputs: CreateInputs, executable: Reg, env: Data): void {
  const process = inputs.spec.process as Process;
  prepareExecution(p, inputs);
  p.releaseSpent();
  filter(p, inputs);

  p.step("telling the host that the container is created");
  // becoming the user has hidden it again
  showToCaller(p, inputs);
  p.ask(ASK.ready, "ready");
  p.hangUp();
  p.close(root);

  p.step("waiting for start");
  const fifo = p.register("fifo");
  if (mountsProc(inputs)) {
    // its own /proc, so that no directory stays open while the container waits
    p.close(proc);
    p.emitInto(fifo, "openat", [abi.AT_FDCWD, `/proc/self/fd/${inputs.fifo}`, abi.O_WRONLY | abi.O_CLOEXEC, 0]);
  } else {
    p.emitInto(fifo, "openat", [proc, `self/fd/${inputs.fifo}`, abi.O_WRONLY | abi.O_CLOEXEC, 0]);
    p.close(proc);
  }
  p.write(fifo, "0");
  p.close(fifo);
  p.emit("close", [inputs.fifo], { ignore: "any" });

  const result = p.register("result"), failed = p.label("not executed"), unfiltered = p.label("not filtered");
  loadSeccomp(p, inputs, "last", { on: "any", to: unfiltered });
  executing(p, inputs, { on: "any", to: failed }, [executable, table(process.args!), env], result);
  p.place(failed);
  explainExec(p, process.args![0]!, result);
  p.place(unfiltered);
  if (seccompMoment(inputs) === "last") giveUp(p, process.args![0]!, "the kernel refused the seccomp filter");
}

/** The last of what needs no word from the host, and should not need leave of a seccomp filter. */
export function prepareExecution(p: Program, { spec, keepFds }: LaunchInputs): void {
  p.step("keeping descriptors from the user's program");
  p.emit("umask", [spec.process?.user?.umask ?? 0o022]);
  p.emit("close_range", [3 + keepFds, 0xffffffff, abi.CLOSE_RANGE_CLOEXEC]);
}

/** Executes at once, while the host still listens for what goes wrong. */
export function execute(p: Program, inputs: LaunchInputs & SeccompInputs, executable: Reg, env: Data): void {
  const args = inputs.spec.process!.args!;
  loadSeccomp(p, inputs, "last");
  executing(p, inputs, {}, [executable, table(args), env], p.register("result"));
}

function executing(p: Program, inputs: LaunchInputs, handling: Handling, args: readonly Value[], result: Reg): void {
  const command = inputs.spec.process!.args![0]!;
  const words = (reason: string) => `unable to start container process: exec ${command}: ${reason}`;
  p.step(`executing "${command}"`, {
    sentences: {
      ENOEXEC: words("exec format error"),
      ENOENT: words("no such file or directory"),
      EACCES: words("permission denied"),
      EPERM: words("operation not permitted"),
    },
  });
  p.emitInto(result, "execve", args, handling);
}

/** Nobody listens any more but the container's own stderr. */
function explainExec(p: Program, command: string, result: Reg): void {
  const reasons = [
    [-8, "exec format error"],
    [-2, "no such file or directory"],
    [EACCES, "permission denied"],
    [-1, "operation not permitted"],
  ] as const;
  for (const [errno, reason] of reasons) {
    const mine = p.label(reason), next = p.label(`not ${reason}`);
    p.emit("jump_if_equal", [result, errno], { to: mine });
    p.jump(next);
    p.place(mine);
    giveUp(p, command, reason);
    p.place(next);
  }
  giveUp(p, command, "the kernel refused to execute it");
}

function giveUp(p: Program, command: string, reason: string): void {
  p.write(2, `exec ${command}: ${reason}\n`, { ignore: "any" });
  p.emit("exit_group", [1]);
}

/** True when the container has a procfs of its own at /proc. */
function mountsProc({ spec }: CreateInputs): boolean {
  return hasNamespace(spec, "mount") && hasNamespace(spec, "pid") &&
    (spec.mounts ?? []).some((mount) => mount.type === "proc" && inRoot(mount.destination) === "proc");
}
