/** Giving up rights, in the one order that works. */

import * as abi from "../../ffi/abi.ts";
import { CAP_DATA, CAP_HEADER, STATX, STATX_SIZE } from "../../ffi/structs.ts";
import { Data, Within } from "../program/assembly.ts";
import { words } from "../program/blocks.ts";
import type { Program } from "../program/program.ts";
import type { Capabilities, Spec, User } from "../spec/types.ts";
import type { HostFacts } from "./inputs.ts";
import { loadSeccomp, type SeccompFilter, seccompMoment } from "./seccomp.ts";

/** What these steps look at. */
interface ConfineInputs {
  readonly spec: Spec;
  readonly facts: Pick<HostFacts, "euid" | "lastCapability">;
  readonly seccomp: SeccompFilter | undefined;
}

const CAPABILITY_VERSION_3 = 0x20080522;

/**
 * no_new_privs, the user, the capabilities. `filter()` comes after it.
 * @param enterDirectory called before the user changes (root may enter what the user may not) and after
 */
export function confine(p: Program, inputs: ConfineInputs, enterDirectory: () => { retry: () => void }): void {
  const { spec, facts } = inputs;
  if (spec.process?.noNewPrivileges === true) {
    p.step("setting no_new_privs", { pointer: "/process/noNewPrivileges" });
    p.prctl(abi.PR_SET_NO_NEW_PRIVS, 1);
  }
  const capabilities = spec.process?.capabilities ?? {};
  boundingSet(p, capabilities, facts.lastCapability);
  // setresuid to a user that is not root would clear the capabilities
  p.step("keeping capabilities while the user changes");
  p.prctl(abi.PR_SET_KEEPCAPS, 1);
  const directory = enterDirectory();
  user(p, inputs);
  directory.retry();
  capabilityStep(p);
  p.prctl(abi.PR_SET_KEEPCAPS, 0);
  const admin = seccompMoment(inputs) === "with rights" ? [LOADS_FILTERS] : [];
  capabilitySets(p, capabilities, facts.lastCapability, admin);
  if (admin.length === 0) ambientSet(p, capabilities, facts.lastCapability);
}

/** What seccomp(2) takes in place of no_new_privs. */
const LOADS_FILTERS = "CAP_SYS_ADMIN";

/**
 * Loads the seccomp filter, unless that is left for the last moment. As little as possible comes after it: the profile need
 * not allow what init does, and NOTIFY would make it wait for an agent.
 */
export function filter(p: Program, inputs: ConfineInputs): void {
  loadSeccomp(p, inputs, "before ready");
  loadSeccomp(p, inputs, "with rights");
  if (seccompMoment(inputs) !== "with rights") return;
  const { capabilities = {} } = inputs.spec.process ?? {};
  capabilityStep(p);
  capabilitySets(p, capabilities, inputs.facts.lastCapability);
  ambientSet(p, capabilities, inputs.facts.lastCapability);
}

function capabilityStep(p: Program): void {
  p.step("dropping capabilities", {
    pointer: "/process/capabilities",
    // podman tells by these words that the caller may not
    sentences: {
      EPERM:
        "unable to start container process: unable to apply caps: operation not permitted (process.capabilities asks for some that the caller has not)",
    },
  });
}

function boundingSet(p: Program, { bounding = [] }: Capabilities, last: number): void {
  p.step("dropping capabilities from the bounding set", {
    pointer: "/process/capabilities/bounding",
    hints: { EPERM: "it needs CAP_SETPCAP" },
  });
  const keep = new Set(bounding);
  for (let capability = 0; capability <= last; capability++) {
    if (!keep.has(abi.CAPABILITIES[capability] ?? "")) p.prctl(abi.PR_CAPBSET_DROP, capability);
  }
}

/** The sets of the current task: addressed as pid 0, for /proc may be another pid namespace's. */
function capabilitySets(p: Program, sets: Capabilities, last: number, more: readonly string[] = []): void {
  const effective = bitSet([...sets.effective ?? [], ...more], last);
  const permitted = bitSet([...sets.permitted ?? [], ...more], last);
  const inheritable = bitSet(sets.inheritable ?? [], last);
  const header = new Data(CAP_HEADER.pack({ version: CAPABILITY_VERSION_3, pid: 0 }), { text: "current task" });
  const data = new Data(CAP_DATA.pack({
    effective_lo: low(effective),
    permitted_lo: low(permitted),
    inheritable_lo: low(inheritable),
    effective_hi: high(effective),
    permitted_hi: high(permitted),
    inheritable_hi: high(inheritable),
  }));
  p.emit("capset", [header, data]);
}

function ambientSet(p: Program, sets: Capabilities, last: number): void {
  p.prctl(abi.PR_CAP_AMBIENT, abi.PR_CAP_AMBIENT_CLEAR_ALL);
  for (const name of sets.ambient ?? []) {
    const number = abi.CAPABILITIES.indexOf(name);
    // one that is not permitted and inheritable cannot be ambient: as runc, go without
    if (number >= 0 && number <= last) {
      p.prctl(abi.PR_CAP_AMBIENT, abi.PR_CAP_AMBIENT_RAISE, number, { ignore: "EPERM" });
    }
  }
}

function bitSet(names: readonly string[], last: number): bigint {
  return names.reduce((bits, name) => {
    const number = abi.CAPABILITIES.indexOf(name);
    return number < 0 || number > last ? bits : bits | 1n << BigInt(number);
  }, 0n);
}

const low = (bits: bigint) => bits & 0xffffffffn;
const high = (bits: bigint) => bits >> 32n;

function user(p: Program, { spec, facts }: ConfineInputs): void {
  const { uid, gid, additionalGids = [] }: User = spec.process?.user ?? { uid: 0, gid: 0 };
  stdioOwner(p, uid);
  p.step(`becoming user ${uid}:${gid}`, {
    pointer: "/process/user",
    hints: {
      EINVAL: "the id is not mapped in the container's user namespace",
      EPERM: "the caller may not change its ids",
    },
  });
  if (facts.euid === 0 || additionalGids.length > 0) {
    // a user namespace may be one that denies setgroups: without additional groups that is fine
    p.emit("setgroups", [additionalGids.length, additionalGids.length === 0 ? 0 : words(additionalGids)], {
      ...additionalGids.length === 0 ? { ignore: "EPERM" } as const : {},
    });
  }
  p.emit("setresgid", [gid, gid, gid]);
  p.emit("setresuid", [uid, uid, uid]);
}

/** stdio belongs to the user, so that /dev/stdout can be opened again; /dev/null of the host stays root's. */
function stdioOwner(p: Program, uid: number): void {
  if (uid === 0) return;
  p.step("giving stdio to the user");
  const MEMORY_DEVICES = 1;
  for (const fd of [0, 1, 2]) {
    const next = p.label("next");
    const stat = new Data(new Uint8Array(STATX_SIZE), { text: "statx" });
    p.emit("statx", [fd, "", abi.AT_EMPTY_PATH, abi.STATX_TYPE, stat], { on: "any", to: next });
    const major = p.register("major");
    p.emitInto(major, "load32", [new Within(stat, STATX.offset("rdev_major"))]);
    p.free(major);
    p.emit("jump_if_equal", [major, MEMORY_DEVICES], { to: next });
    p.emit("fchown", [fd, uid, -1], { ignore: "any" });
    p.place(next);
  }
}
