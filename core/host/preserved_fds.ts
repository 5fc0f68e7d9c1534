/** The descriptors that a container gets beside stdio. */

import { F_GETFD, FD_CLOEXEC } from "../../ffi/abi.ts";
import { tryCall } from "../../ffi/call.ts";
import { RunoError } from "../error.ts";
import type { CreateOptions } from "./options.ts";

/** The descriptors of LISTEN_FDS and --preserve-fds, counted; each must be open. */
export function checkPreservedFds(
  { listenFds, preserveFds }: Pick<CreateOptions, "listenFds" | "preserveFds">,
): number {
  const count = listenFds + preserveFds;
  for (let fd = 3 + listenFds; fd < 3 + count; fd++) {
    const flags = tryCall("fcntl", fd, F_GETFD, 0);
    // what was inherited is not close-on-exec; what Deno opened for itself is, and takes the numbers that are free
    if (typeof flags !== "number" || (flags & FD_CLOEXEC) !== 0) {
      throw new RunoError(`unable to stat preserved-fd ${fd} (of ${preserveFds}): EBADF`, { kind: "invalid" });
    }
  }
  return count;
}
