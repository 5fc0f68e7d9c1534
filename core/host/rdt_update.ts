/** `update` of Intel RDT: other schemata for a container that runs. */

import { RunoError } from "../error.ts";
import { findResctrl } from "../rdt/resctrl.ts";
import { readSchemata, sameResources, wantedLines, writeSchemata } from "../rdt/schemata.ts";
import type { IntelRdt } from "../spec/types.ts";
import { recordedRdt, type StateFile } from "./state_file.ts";

/** What can be changed. */
export type RdtSchemata = Pick<IntelRdt, "l3CacheSchema" | "memBwSchema">;

/**
 * Sets other schemata.
 * @returns what sets back the old ones
 * @throws {RunoError} `unsupported`; `state` for a container that was made without; both in runc's words
 */
export function updateRdt(state: StateFile, schemata: RdtSchemata): () => void {
  const resctrl = findResctrl();
  const refuse = (phrase: string) => {
    throw new RunoError(phrase, { kind: "unsupported" });
  };
  if (schemata.l3CacheSchema && !resctrl?.cat) refuse("Intel RDT/CAT: l3 cache schema is not enabled");
  if (schemata.memBwSchema && !resctrl?.mba) refuse("Intel RDT/MBA: memory bandwidth schema is not enabled");
  const rdt = recordedRdt(state);
  if (rdt === undefined || resctrl === undefined) {
    throw new RunoError("updating a non-existent Intel RDT configuration is not supported", {
      kind: "state",
      hint: "only a container whose config.json has linux.intelRdt can be changed",
    });
  }
  const lines = wantedLines(schemata), before = sameResources(readSchemata(rdt.path), lines);
  writeSchemata(rdt.path, lines);
  return () => writeSchemata(rdt.path, before);
}

/** state.json with the new schemata. */
export function withSchemata(state: StateFile, { l3CacheSchema, memBwSchema }: RdtSchemata): StateFile {
  const rdt = {
    ...state.config.intel_rdt,
    ...l3CacheSchema ? { l3_cache_schema: l3CacheSchema } : {},
    ...memBwSchema ? { memBwSchema } : {},
  };
  return Object.keys(rdt).length === 0 ? state : { ...state, config: { ...state.config, intel_rdt: rdt } };
}
