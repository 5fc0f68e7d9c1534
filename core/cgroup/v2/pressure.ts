/** Pressure stall information of a cgroup. Kernel: accounting/psi.rst */

import { errnoOf } from "../../error.ts";
import { readIfThere } from "../files.ts";
import type { Pressure, PressureStats } from "../stats.ts";
import { nestedKeyed } from "../text.ts";

/** What one of the *.pressure files says; nothing where it is switched off. */
export function pressure(path: string): { readonly psi?: PressureStats } {
  const text = readable(path);
  return text === undefined ? {} : { psi: parsePressure(text) };
}

function readable(path: string): string | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    // compiled in, but the kernel was not booted with psi=1
    if (errnoOf(error) === "ENOTSUP") return undefined;
    throw error;
  }
}

/** Lines of "some avg10=0.00 avg60=0.00 avg300=0.00 total=0"; older kernels have no "full" for CPUs. */
export function parsePressure(text: string): PressureStats {
  const lines = nestedKeyed(text);
  const of = (name: string): Pressure => {
    const line = lines.get(name);
    const average = (key: string) => Number(line?.get(key) ?? 0);
    return {
      avg10: average("avg10"),
      avg60: average("avg60"),
      avg300: average("avg300"),
      total: BigInt(line?.get("total") ?? 0),
    };
  };
  return { some: of("some"), full: of("full") };
}
