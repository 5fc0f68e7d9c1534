/** The seccomp filter that runc loads for a profile, as strace sees it go by. */

import { SOCK_FILTER } from "../../../ffi/structs.ts";
import type { Seccomp } from "../../../core/spec/types.ts";
import { changed } from "../../unit/core/spec/config.ts";
import { makeRootfs } from "../../root/support/rootfs.ts";

const id = `runo-test-filter-${Deno.pid}`;

/** Creates a container with runc and takes the program out of its seccomp call; the container goes at once. */
export async function runcFilter(profile: Seccomp): Promise<Uint8Array> {
  const dir = Deno.makeTempDirSync({ prefix: "runo-test-runc-" });
  try {
    makeRootfs(`${dir}/rootfs`);
    const spec = changed({
      "process.terminal": false,
      "process.args": ["true"],
      "linux.cgroupsPath": `/runo-test/${id}`,
      "linux.seccomp": profile,
      // what this runc does not know
      ociVersion: "1.0.2",
      "linux.namespaces": ["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
    });
    Deno.writeTextFileSync(`${dir}/config.json`, JSON.stringify(spec));
    return parse(await trace(dir));
  } finally {
    await new Deno.Command("runc", { args: ["--root", `${dir}/state`, "delete", "--force", id], stderr: "null" })
      .output();
    Deno.removeSync(dir, { recursive: true });
  }
}

/** The line of strace with the filter. The profile may let runc's own init end no more: nobody waits for it. */
async function trace(dir: string): Promise<string> {
  const child = new Deno.Command("strace", {
    args: [
      ...["-f", "-e", "trace=seccomp,prctl", "-s", "100000", "-v", "-o", `${dir}/trace`],
      ...["runc", "--root", `${dir}/state`, "create", "--bundle", dir, id],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  const status = child.status.then(() => ended = true);
  for (;;) {
    const text = existing(`${dir}/trace`);
    const line = text.split("\n").slice(0, -1).find((line) => line.includes("filter=["));
    if (line !== undefined || ended) {
      if (!ended) await killAll(child.pid);
      await status;
      if (line === undefined) throw new Error(`runc loads no filter: ${text.slice(-2000)}`);
      return line;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function existing(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Ends a process and all that it has started. */
async function killAll(pid: number): Promise<void> {
  const { stdout } = await new Deno.Command("pgrep", { args: ["-P", String(pid)] }).output();
  for (const child of new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "")) {
    await killAll(Number(child));
  }
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

/** strace's names for the parts of an instruction; linux/bpf_common.h, linux/seccomp.h */
const CODES: Readonly<Record<string, number>> = {
  ...{ BPF_LD: 0, BPF_LDX: 1, BPF_ST: 2, BPF_STX: 3, BPF_ALU: 4, BPF_JMP: 5, BPF_RET: 6, BPF_MISC: 7 },
  ...{ BPF_W: 0, BPF_IMM: 0, BPF_ABS: 0x20, BPF_MEM: 0x60, BPF_K: 0, BPF_X: 8, BPF_A: 0x10, BPF_AND: 0x50 },
  ...{ BPF_JA: 0, BPF_JEQ: 0x10, BPF_JGT: 0x20, BPF_JGE: 0x30, BPF_JSET: 0x40, BPF_TAX: 0, BPF_TXA: 0x80 },
  ...{ SECCOMP_RET_KILL_PROCESS: 0x80000000, SECCOMP_RET_KILL_THREAD: 0, SECCOMP_RET_TRAP: 0x30000 },
  ...{ SECCOMP_RET_ERRNO: 0x50000, SECCOMP_RET_USER_NOTIF: 0x7fc00000, SECCOMP_RET_TRACE: 0x7ff00000 },
  ...{ SECCOMP_RET_LOG: 0x7ffc0000, SECCOMP_RET_ALLOW: 0x7fff0000 },
};

function parse(line: string): Uint8Array {
  const instructions = [...line.matchAll(/BPF_(?:STMT|JUMP)\(([^)]*)\)/g)].map(([, args]) => {
    const [code, k, jt = "0", jf = "0"] = args!.split(", ");
    return SOCK_FILTER.pack({ code: valueOf(code!), k: valueOf(k!), jt: Number(jt), jf: Number(jf) });
  });
  const program = new Uint8Array(instructions.length * SOCK_FILTER.size);
  instructions.forEach((bytes, i) => program.set(bytes, i * SOCK_FILTER.size));
  return program;
}

function valueOf(text: string): number {
  return text.split("|").reduce((bits, part) => {
    const value = CODES[part] ?? Number(part);
    if (Number.isNaN(value)) throw new Error(`strace says "${part}"`);
    return (bits | value) >>> 0;
  }, 0);
}
