/** The program of a process that is in a user namespace for as long as the host looks at it. */

import * as abi from "../../ffi/abi.ts";
import type { Architecture } from "../program/image.ts";
import { Program } from "../program/program.ts";
import { ASK } from "./asks.ts";

/** @param join the descriptor of the namespace; without, a new one is made and the host asked for its maps */
export function planUserNamespace(arch: Architecture, join?: number): Program {
  const p = new Program(arch);
  if (join === undefined) {
    p.step("making a user namespace", {
      hints: { ENOSPC: "too many user namespaces (sysctl user.max_user_namespaces)" },
    });
    p.unshare(abi.CLONE_NEWUSER);
    p.step("asking the host for the id maps");
    p.ask(ASK.idmap, "idmap");
  } else {
    p.step("joining the user namespace", {
      hints: { EINVAL: "it is no user namespace, or the one runo is in already" },
    });
    p.emit("setns", [join, abi.CLONE_NEWUSER]);
  }
  p.step("waiting for the host to look");
  p.ask(ASK.ready, "ready");
  p.emit("exit_group", [0]);
  return p;
}
