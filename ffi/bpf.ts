/** Device filters of cgroups: programs of type BPF_PROG_TYPE_CGROUP_DEVICE. bpf(2), uapi/linux/bpf.h */

import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_F_REPLACE,
  BPF_PROG_ATTACH,
  BPF_PROG_DETACH,
  BPF_PROG_GET_FD_BY_ID,
  BPF_PROG_LOAD,
  BPF_PROG_QUERY,
  BPF_PROG_TYPE_CGROUP_DEVICE,
} from "./abi.ts";
import { call, tryCall } from "./call.ts";
import { Fd } from "./fd.ts";
import { addressOf, allocate, cString } from "./memory.ts";
import { BPF_ATTACH, BPF_FD_BY_ID, BPF_INSN, BPF_LOAD, BPF_QUERY } from "./structs.ts";

/** One instruction, as struct bpf_insn has it. */
export interface BpfInstruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  readonly imm: number;
}

/** Some helpers of the kernel are for programs under a free license only; these use none. */
const LICENSE = "Apache";
const NAME = "runo_devices";

/** Loads a program. @throws {SyscallError} */
export function loadDeviceFilter(program: readonly BpfInstruction[]): Fd {
  const code = allocate(program.length * BPF_INSN.size);
  program.forEach(({ code: op, dst, src, offset: off, imm }, i) => {
    code.set(BPF_INSN.pack({ code: op, registers: dst | (src << 4), off, imm }), i * BPF_INSN.size);
  });
  const license = cString(LICENSE), name = new DataView(allocate(16).buffer);
  new Uint8Array(name.buffer).set(cString(NAME));
  const attributes = BPF_LOAD.pack({
    prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
    insn_cnt: program.length,
    insns: addressOf(code),
    license: addressOf(license),
    name_low: name.getBigUint64(0, true),
    name_high: name.getBigUint64(8, true),
    expected_attach_type: BPF_CGROUP_DEVICE,
  });
  const fd = new Fd(retry(attributes));
  // both are reachable by address only: keep them until here
  void [code, license];
  return fd;
}

const ATTEMPTS = 30;

/** The verifier gives up on a signal, with EAGAIN. */
function retry(attributes: Uint8Array<ArrayBuffer>): number {
  for (let i = 1; i < ATTEMPTS; i++) {
    const fd = tryCall("bpf", BPF_PROG_LOAD, attributes, attributes.length);
    if (typeof fd === "number") return fd;
    if (fd !== "EAGAIN") break;
  }
  return call("bpf", BPF_PROG_LOAD, attributes, attributes.length);
}

/** Attaches a program to a cgroup, in place of another if one is given. @throws {SyscallError} */
export function attachDeviceFilter(cgroup: Fd, program: Fd, replaced?: Fd): void {
  const attributes = BPF_ATTACH.pack({
    target_fd: cgroup.number,
    attach_bpf_fd: program.number,
    attach_type: BPF_CGROUP_DEVICE,
    attach_flags: BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE),
    replace_bpf_fd: replaced?.number ?? 0,
  });
  call("bpf", BPF_PROG_ATTACH, attributes, attributes.length);
}

/** @throws {SyscallError} */
export function detachDeviceFilter(cgroup: Fd, program: Fd): void {
  const attributes = BPF_ATTACH.pack({
    target_fd: cgroup.number,
    attach_bpf_fd: program.number,
    attach_type: BPF_CGROUP_DEVICE,
  });
  call("bpf", BPF_PROG_DETACH, attributes, attributes.length);
}

/** No cgroup can have more. */
const MOST_PROGRAMS = 64;

/** The programs attached to a cgroup itself, but those that a security module keeps from the caller. */
export function attachedDeviceFilters(cgroup: Fd): Fd[] {
  const ids = new Uint32Array(new ArrayBuffer(4 * MOST_PROGRAMS));
  const list = new Uint8Array(ids.buffer);
  const query = BPF_QUERY.pack({
    target_fd: cgroup.number,
    attach_type: BPF_CGROUP_DEVICE,
    prog_ids: addressOf(list),
    prog_cnt: MOST_PROGRAMS,
  });
  call("bpf", BPF_PROG_QUERY, query, query.length);
  return [...ids.subarray(0, BPF_QUERY.read(query).prog_cnt)].flatMap((id) => {
    const attributes = BPF_FD_BY_ID.pack({ prog_id: id });
    const fd = tryCall("bpf", BPF_PROG_GET_FD_BY_ID, attributes, attributes.length);
    return typeof fd === "number" ? [new Fd(fd)] : [];
  });
}
