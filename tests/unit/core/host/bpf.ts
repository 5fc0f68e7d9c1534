/** Runs classic BPF programs as the kernel does for seccomp: what becomes of a system call. */

import { SOCK_FILTER } from "../../../../ffi/structs.ts";

/** A system call as the filter sees it (struct seccomp_data). */
export interface Attempt {
  readonly nr: number;
  /** AUDIT_ARCH_* */
  readonly arch: number;
  readonly args?: readonly bigint[];
}

const JUMPS: Readonly<Record<number, (a: number, k: number) => boolean>> = {
  0x10: (a, k) => a === k,
  0x20: (a, k) => a > k,
  0x30: (a, k) => a >= k,
  0x40: (a, k) => (a & k) !== 0,
};

/** SECCOMP_RET_* with its data. */
export function verdict(program: Uint8Array, { nr, arch, args = [] }: Attempt): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, nr, true);
  data.setUint32(4, arch, true);
  args.forEach((arg, i) => data.setBigUint64(16 + 8 * i, BigInt.asUintN(64, arg), true));
  let a = 0, x = 0;
  const memory = new Uint32Array(16);
  for (let pc = 0;; pc++) {
    const { code, jt, jf, k } = SOCK_FILTER.read(program.subarray(pc * 8, pc * 8 + 8));
    if (code === 0x06) return k;
    if (code === 0x16) return a;
    if (code === 0x20) a = data.getUint32(k, true);
    else if (code === 0x00) a = k;
    else if (code === 0x60) a = memory[k]!;
    else if (code === 0x02) memory[k] = a;
    else if (code === 0x07) x = a;
    else if (code === 0x87) a = x;
    else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x05) pc += k;
    else if ((code & 0x0f) === 0x05 && JUMPS[code & 0xf0] !== undefined) pc += JUMPS[code & 0xf0]!(a, k) ? jt : jf;
    else throw new Error(`instruction ${pc} has the unknown code 0x${code.toString(16)}`);
  }
}
