/** Id maps of a user namespace. user_namespaces(7), newuidmap(1) */

import { effectiveIds } from "./credentials.ts";
import { errnoOf, RunoError } from "../error.ts";
import type { Maps } from "../plan/idmapped.ts";
import type { IdMapping, Spec } from "../spec/types.ts";
import { ownerName } from "./container.ts";
import { rangeAdvice, subordinateRanges } from "./subids.ts";
import { findTool, runTool } from "./tools.ts";

/** The caller's ids. */
export interface Ids {
  readonly euid: number;
  readonly egid: number;
}

/** The maps of the container's user namespace. */
export function mapsOf({ linux: { uidMappings = [], gidMappings = [] } = {} }: Spec): Maps {
  return { uidMappings, gidMappings };
}

/** Who on the host root of the container is. Undefined: nobody else than the caller, or someone whom it can give nothing. */
export function rootOnHost(spec: Spec, ids: Ids): { readonly uid: number; readonly gid: number } | undefined {
  const root = (mappings: readonly IdMapping[]) => mappings.find(({ containerID }) => containerID === 0)?.hostID;
  const { uidMappings, gidMappings } = mapsOf(spec);
  const uid = root(uidMappings), gid = root(gidMappings);
  return ids.euid !== 0 || uid === undefined || gid === undefined || (uid === 0 && gid === 0)
    ? undefined
    : { uid, gid };
}

/** Writes the maps of a process that has just made its user namespace. */
export function writeIdMaps(pid: number, { uidMappings, gidMappings }: Maps, ids: Ids): void {
  // an unprivileged process may map its own group only where setgroups is given up: user_namespaces(7)
  if (ids.euid !== 0 && isOwnOnly(gidMappings, ids.egid)) writeMap(`/proc/${pid}/setgroups`, "deny");
  mapIds({ pid, kind: "uid", tool: "newuidmap" }, uidMappings);
  mapIds({ pid, kind: "gid", tool: "newgidmap" }, gidMappings);
}

function isOwnOnly(mappings: readonly IdMapping[], id: number): boolean {
  const [only] = mappings;
  return mappings.length === 1 && only?.hostID === id && only.size === 1;
}

interface Target {
  readonly pid: number;
  readonly kind: "uid" | "gid";
  readonly tool: "newuidmap" | "newgidmap";
}

function mapIds(target: Target, mappings: readonly IdMapping[]): void {
  if (mappings.length === 0) return;
  const lines = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
  try {
    Deno.writeTextFileSync(`/proc/${target.pid}/${target.kind}_map`, lines, { create: false });
  } catch (error) {
    if (errnoOf(error) !== "EPERM") throw mapError(target, lines, error);
    useTool(target, mappings);
  }
}

function useTool({ pid, kind, tool }: Target, mappings: readonly IdMapping[]): void {
  const path = findTool(tool);
  // the words are runc's
  const what = `failed to use ${tool.slice(0, 6)} map on ${pid}`;
  if (path === undefined) {
    throw new RunoError(`${what}: mapping tool not present`, { hint: `install ${tool} (Debian: package uidmap)` });
  }
  const ranges = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String));
  const result = runTool(path, [String(pid), ...ranges]);
  if (result.code === 0) return;
  throw new RunoError(`${what}: ${tool} exited with ${result.code}: ${result.stderr.trim()}`, {
    hint: rangeHint(kind),
  });
}

/** What the caller may map, or how to let it map something. */
function rangeHint(kind: "uid" | "gid"): string {
  const { euid } = effectiveIds();
  const file = `/etc/sub${kind}`, name = ownerName(euid), ranges = subordinateRanges(kind, euid);
  if (ranges.length === 0) return `${file} has no range for ${name}: ${rangeAdvice(kind, euid)}`;
  const texts = ranges.map(({ first, size }) => `${first}-${first + size - 1}`);
  return `${file} lets ${name} map ${texts.join(" and ")}, and its own ${kind}`;
}

function writeMap(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { create: false });
  } catch (error) {
    throw new RunoError(`writing "${text}" to "${path}"`, { cause: error });
  }
}

/** The kernel takes a map in one write of less than a page: user_namespaces(7). */
const PAGE = 4096;

function mapError({ pid, kind }: Target, lines: string, cause: unknown): RunoError {
  const invalid = lines.length < PAGE
    ? `ranges of linux.${kind}Mappings overlap, or are too many (340)`
    : `the lines of linux.${kind}Mappings are ${lines.length} bytes, and must be less than ${PAGE}`;
  return new RunoError(`writing "/proc/${pid}/${kind}_map"`, {
    cause,
    hint: errnoOf(cause) === "EINVAL" ? invalid : undefined,
  });
}
