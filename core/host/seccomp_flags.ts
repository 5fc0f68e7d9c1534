/** Flags of seccomp filters: what they are to seccomp(2), and whether this kernel has them. */

import * as abi from "../../ffi/abi.ts";
import { tryCall } from "../../ffi/call.ts";
import type { SeccompFlag } from "../spec/types.ts";

/** The bit of each flag. */
export const FLAG_BITS: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: abi.SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG: abi.SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: abi.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: abi.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

/** A filter at address 0 is never loaded: EFAULT says that the kernel has gone past the flags. */
export function isFlagSupported(flag: SeccompFlag): boolean {
  // this one is about listeners, and refused without one
  const listener = flag === "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" ? abi.SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  return tryCall("seccomp", abi.SECCOMP_SET_MODE_FILTER, FLAG_BITS[flag] | listener, null) === "EFAULT";
}
