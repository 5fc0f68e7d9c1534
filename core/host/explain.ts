/** `plan`: the steps that `create` would take, without taking any. Needs no rights. */

import { effectiveIds } from "./credentials.ts";
import { planCreate } from "../plan/create.ts";
import { mountIdmap } from "../plan/idmapped.ts";
import { hasNamespace } from "../plan/inputs.ts";
import { allMounts } from "../plan/sources.ts";
import { explain, explainText } from "../program/explain.ts";
import type { CreateOptions } from "./options.ts";
import { readBundle } from "./bundle.ts";
import type { Ids } from "./idmap.ts";
import { prepare } from "./prepare.ts";

/** A plan that can be printed. */
export interface ExplainedPlan {
  /** For people: each step with its system calls. */
  text(): string;
  /** For programs. */
  json(): unknown;
}

/**
 * Plans the creation of a container.
 * @throws {RunoError} what `create` would say about the bundle
 */
export async function planBundle(options: CreateOptions): Promise<ExplainedPlan> {
  const { spec, inputs, keepFds } = await prepare(
    { ...options, detach: false, consoleSocket: undefined },
    whoCreates(options),
  );
  // the numbers that the descriptors would have were no other open
  const mapped = allMounts(inputs).flatMap((mount, i) => mountIdmap(mount, spec.linux ?? {}) === undefined ? [] : [i]);
  const idmaps = new Map(mapped.map((index, k) => [index, 5 + keepFds + k]));
  const program = planCreate({ ...inputs, fifo: 3 + keepFds, socket: 4 + keepFds, idmaps });
  return { text: () => explainText(program), json: () => explain(program) };
}

/** Whoever asks: what only root can create is planned as root's. */
function whoCreates(options: CreateOptions): Ids {
  const ids = effectiveIds();
  return ids.euid === 0 || hasNamespace(readBundle(options).spec, "user") ? ids : { euid: 0, egid: 0 };
}
