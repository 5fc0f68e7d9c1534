/** The caller's limit of open files. Deno raises its own soft limit to the hard one at its start; containers get the caller's. */

import { processStat } from "./procfs.ts";

/** Set by the executable's launcher, before Deno starts: the soft limit as decimal digits. */
export const NOFILE_VARIABLE = "RUNO_NOFILE_SOFT";

/** The soft limit as the caller had it and the hard limit; undefined when nothing was raised. */
export function openFilesLimit(): { readonly soft: bigint; readonly hard: bigint } | undefined {
  const recorded = Deno.env.get(NOFILE_VARIABLE) ?? limitOfCaller();
  if (recorded === undefined || !/^\d+$/.test(recorded)) return undefined;
  const own = limitsOf("self");
  if (own === undefined || own.soft === recorded) return undefined;
  return { soft: BigInt(recorded), hard: own.hard === "unlimited" ? 0xffffffffffffffffn : BigInt(own.hard) };
}

function limitsOf(pid: number | "self"): { readonly soft: string; readonly hard: string } | undefined {
  const text = readLimits(pid);
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
  return soft === undefined || hard === undefined ? undefined : { soft, hard };
}

function readLimits(pid: number | "self"): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/limits`);
  } catch {
    return "";
  }
}

/** `deno run` and `deno task`: no launcher has looked, so it is what the first process has that is not Deno. */
function limitOfCaller(): string | undefined {
  const deno = programOf("self");
  for (let pid = Deno.ppid, steps = 0; pid > 1 && steps < 8; steps++) {
    if (programOf(pid) !== deno) return limitsOf(pid)?.soft;
    pid = processStat(pid)?.ppid ?? 0;
  }
  return undefined;
}

function programOf(pid: number | "self"): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}
