/** Seccomp profiles without the compiler, which is loaded when there is one. */

import type { SeccompFilter } from "../plan/seccomp.ts";
import type { Seccomp } from "../spec/types.ts";

/** A profile as the kernel wants it; undefined without one. @throws {RunoError} */
export async function compiledSeccomp(
  profile: Seccomp | undefined,
  debug: ((message: string) => void) | undefined,
): Promise<SeccompFilter | undefined> {
  if (profile === undefined) return undefined;
  const { compileSeccomp } = await import("./seccomp.ts");
  return compileSeccomp(profile, debug);
}
