/** The caller's limit of open files. Deno raises its own soft limit to the hard one at its start; containers get the caller's. */

/** Set by the executable's launcher, before Deno starts: the soft limit as decimal digits. */
export const NOFILE_VARIABLE = "RUNO_NOFILE_SOFT";

/** The soft limit as the caller had it and the hard limit; undefined when nothing was raised. */
export function openFilesLimit(): { readonly soft: bigint; readonly hard: bigint } | undefined {
  const recorded = Deno.env.get(NOFILE_VARIABLE);
  if (recorded === undefined || !/^\d+$/.test(recorded)) return undefined;
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(Deno.readTextFileSync("/proc/self/limits")) ?? [];
  if (soft === undefined || hard === undefined || soft === recorded) return undefined;
  return { soft: BigInt(recorded), hard: hard === "unlimited" ? 0xffffffffffffffffn : BigInt(hard) };
}
