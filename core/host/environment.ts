/** The caller's environment, for programs that are to inherit it. */

/**
 * NAME=value of each variable of the caller, as the kernel keeps it: the executable's launcher changes what Deno sees,
 * and that is nobody else's business.
 */
export function inheritedEnvironment(): string[] {
  return Deno.readTextFileSync("/proc/self/environ").split("\0").filter((entry) => entry !== "");
}
