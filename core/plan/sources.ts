/** Sources of bind mounts that must be taken while the process still has the rights of the host's user. */

import * as abi from "../../ffi/abi.ts";
import type { Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";
import type { Mount } from "../spec/types.ts";
import type { CreateInputs } from "./inputs.ts";
import { isBind, parseOptions } from "./mount_options.ts";

/**
 * Copies the sources of the bind mounts, by the index of the mount. root of a user namespace may not reach them any more.
 * An unprivileged user cannot copy mounts before it has a user namespace of its own, and has the same rights there.
 */
export function openSources(p: Program, inputs: CreateInputs): Map<number, Reg> {
  const sources = new Map<number, Reg>();
  if (inputs.facts.euid !== 0) return sources;
  for (const [i, mount] of allMounts(inputs).entries()) {
    if (isBind(mount)) sources.set(i, openSource(p, i, inputs));
  }
  return sources;
}

/** A detached copy of the mount's source. */
export function openSource(
  p: Program,
  index: number,
  inputs: Pick<CreateInputs, "spec" | "extraMounts" | "bundle">,
): Reg {
  const mount = allMounts(inputs)[index]!;
  const source = absoluteSource(mount.source ?? "", inputs.bundle);
  p.step(`mounting "${source}" at "${mount.destination}": opening the source`, {
    pointer: `/mounts/${index}/source`,
    hints: { EACCES: `the caller may not search "${source}"` },
    // the words that runc has, for callers that look for them
    sentences: { ENOENT: `mounting "${source}" at "${mount.destination}": stat ${source}: no such file or directory` },
  });
  return p.openTree(abi.AT_FDCWD, source, { recursive: parseOptions(mount.options ?? []).recursiveBind });
}

/** The mounts of the config and those that runo adds. */
export function allMounts({ spec, extraMounts }: Pick<CreateInputs, "spec" | "extraMounts">): readonly Mount[] {
  return [...spec.mounts ?? [], ...extraMounts];
}

/** A bind source below the bundle may be relative. */
export function absoluteSource(source: string, bundle: string): string {
  return source.startsWith("/") ? source : `${bundle}/${source}`;
}
