/** Resource limits set from outside, for processes that have not the right themselves. prlimit(2) */

import { RLIMITS } from "../../ffi/abi.ts";
import { call } from "../../ffi/call.ts";
import { RLIMIT64 } from "../../ffi/structs.ts";
import { RunoError } from "../error.ts";
import type { Rlimit } from "../spec/types.ts";

/** Sets the limits of a process. */
export function setRlimits(pid: number, rlimits: readonly Rlimit[]): void {
  for (const { type, soft, hard } of rlimits) {
    try {
      call("prlimit64", pid, RLIMITS[type]!, RLIMIT64.pack({ rlim_cur: BigInt(soft), rlim_max: BigInt(hard) }), 0);
    } catch (error) {
      throw new RunoError(`setting rlimit ${type} to ${soft}:${hard}`, {
        cause: error,
        hint: "raising a hard limit needs CAP_SYS_RESOURCE on the host: lower it in config.json, or raise the caller's",
      });
    }
  }
}
