/**
 * Rules of `linux.sysctl`: only what belongs to a namespace of the container may be set.
 * The words are runc's (libcontainer/configs/validate).
 */

import { at, type Findings } from "../problem.ts";
import type { Linux } from "../types.ts";
import { namespaceOf } from "./namespaces.ts";
import { quote } from "./text.ts";

const IPC: ReadonlySet<string> = new Set(
  "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split(" ").map((name) => `kernel.${name}`),
);

/** Every key. */
export function checkSysctl(linux: Linux, found: Findings): void {
  for (const key of Object.keys(linux.sysctl ?? {})) {
    const reason = whyRefused(dotted(key), linux);
    if (reason !== undefined) found.error(at("/linux/sysctl", key), reason);
  }
}

/**
 * The name with dots as separators. As in sysctl.d(5) the first separator decides: after a slash, slashes separate and
 * dots are literal, so "net/ipv4/conf/eno2.100/forwarding" is "net.ipv4.conf.eno2/100.forwarding".
 */
export function dotted(key: string): string {
  if (/[./]/.exec(key)?.[0] !== "/") return key;
  return key.replace(/[./]/g, (separator) => separator === "/" ? "." : "/");
}

function whyRefused(name: string, linux: Linux): string | undefined {
  const quoted = quote(name);
  // "net.." or "net.a/../.." would leave the directory that the prefix promises
  if (name.replaceAll("/", ".").split(".").includes("")) return `sysctl ${quoted} has an empty part`;
  if (IPC.has(name) || name.startsWith("fs.mqueue.")) {
    return namespaceOf(linux, "ipc") ? undefined : `sysctl ${quoted} is not allowed in the hosts ipc namespace`;
  }
  if (name.startsWith("net.")) {
    // whether the path of a joined namespace is the host's own only the host can see
    return namespaceOf(linux, "network") ? undefined : `sysctl ${quoted} not allowed in host network namespace`;
  }
  if (namespaceOf(linux, "uts") && name === "kernel.domainname") return undefined;
  if (namespaceOf(linux, "uts") && name === "kernel.hostname") {
    return `sysctl ${quoted} is not allowed as it conflicts with the OCI "hostname" field`;
  }
  if (name.startsWith("user.")) {
    return namespaceOf(linux, "user") ? undefined : `setting ucounts without a user namespace not allowed: ${name}`;
  }
  return `sysctl ${quoted} is not in a separate kernel namespace`;
}
