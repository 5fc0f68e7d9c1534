/** The process of a container's config: what `exec` starts from. */

import { RunoError } from "../error.ts";
import type { Process } from "../spec/types.ts";
import type { Container } from "./container.ts";
import { recordedBundle, type StateFile } from "./state_file.ts";

/**
 * As the bundle says now, which is runc's way; as it said at creation when the bundle is gone.
 * @throws {RunoError}
 */
export async function configuredProcess({ state }: Container): Promise<Process> {
  const path = state.runo?.configPath ?? `${recordedBundle(state)}/config.json`;
  const recorded = state.runo?.spec.process, changed = changeTime(path);
  const isOld = changed === undefined || changed < Date.parse(state.created);
  if (recorded !== undefined && isOld) return recorded;
  // what reads a whole config is loaded only when there is one to be read
  const { readBundleConfig } = await import("./bundle.ts");
  const { process } = readBundleConfig(path);
  if (process === undefined) throw new RunoError("process property must not be empty", { kind: "invalid" });
  return process;
}

/** The process with the container's capabilities where it names none, as runc has it. */
export function withCapabilities(process: Process, { capabilities }: StateFile["config"]): Process {
  if (process.capabilities !== undefined || !capabilities) return process;
  const { Bounding, Effective, Inheritable, Permitted, Ambient } = capabilities;
  return {
    ...process,
    capabilities: {
      bounding: Bounding ?? [],
      effective: Effective ?? [],
      inheritable: Inheritable ?? [],
      permitted: Permitted ?? [],
      ambient: Ambient ?? [],
    },
  };
}

/**
 * When the file was last touched in any way, at the latest; undefined when it is not there. Milliseconds. The time of
 * change cannot be set back as that of modification can, but Deno knows its whole seconds only.
 */
function changeTime(path: string): number | undefined {
  try {
    return (Deno.statSync(path).ctime?.getTime() ?? Infinity) + 999;
  } catch {
    return undefined;
  }
}
