/** Who works with CRIU without being root of the machine. */

import { effectiveIds, inUserNamespace } from "../core/host/credentials.ts";

/** Warns an ordinary user, and root of a user namespace, as runc does: what CRIU does for them depends on the container. */
export function warnRootless(warn: (message: string) => void): void {
  if (effectiveIds().euid !== 0 || inUserNamespace()) {
    warn("runc checkpoint is untested with rootless containers");
  }
}
