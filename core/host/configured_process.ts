/** The process of a container's config: what `exec` starts from. */

import { errnoOf, RunoError } from "../error.ts";
import { parseSpec } from "../spec/parse.ts";
import type { Process } from "../spec/types.ts";
import type { Container } from "./container.ts";
import { recordedBundle } from "./state_file.ts";

/**
 * As the bundle says now, which is runc's way; as it said at creation when the bundle is gone.
 * @throws {RunoError}
 */
export function configuredProcess({ state }: Container): Process {
  const path = state.runo?.configPath ?? `${recordedBundle(state)}/config.json`;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    const recorded = state.runo?.spec.process;
    if (recorded !== undefined) return recorded;
    const missing = errnoOf(error) === "ENOENT";
    throw new RunoError(missing ? `JSON specification file ${path} not found` : `reading "${path}"`, {
      kind: "invalid",
      ...missing ? {} : { cause: error },
    });
  }
  const { process } = parseSpec(text, path);
  if (process === undefined) throw new RunoError("process property must not be empty", { kind: "invalid" });
  return process;
}
