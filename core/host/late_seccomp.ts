/** Seccomp profiles without the compiler, which is loaded when there is one. */

import type { SeccompFilter } from "../plan/seccomp.ts";
import type { Seccomp } from "../spec/types.ts";
import type { HostOptions } from "./options.ts";

/** A profile as the kernel wants it; undefined without one. @throws {RunoError} */
export async function compiledSeccomp(
  profile: Seccomp | undefined,
  { root, debug }: Pick<HostOptions, "root" | "debug">,
): Promise<SeccompFilter | undefined> {
  if (profile === undefined) return undefined;
  const [{ compileSeccomp }, { seccompCache }] = await Promise.all([
    import("./seccomp.ts"),
    import("./seccomp_cache.ts"),
  ]);
  return compileSeccomp(profile, { debug, cache: seccompCache(root) });
}
