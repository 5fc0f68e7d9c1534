/** Id maps of a user namespace. user_namespaces(7), newuidmap(1) */

import { errnoOf, RunoError } from "../error.ts";
import type { IdMapping, Spec } from "../spec/types.ts";
import { type CommandResult, findTool, runTool } from "./tools.ts";

/** The caller's ids. */
export interface Ids {
  readonly euid: number;
  readonly egid: number;
}

/** Writes the maps of a process that has just made its user namespace. */
export function writeIdMaps(pid: number, spec: Spec, ids: Ids): void {
  const uids = spec.linux?.uidMappings ?? [], gids = spec.linux?.gidMappings ?? [];
  // an unprivileged process may map its own group only where setgroups is given up: user_namespaces(7)
  if (ids.euid !== 0 && isOwnOnly(gids, ids.egid)) writeMap(`/proc/${pid}/setgroups`, "deny");
  mapIds({ pid, kind: "uid", tool: "newuidmap" }, uids);
  mapIds({ pid, kind: "gid", tool: "newgidmap" }, gids);
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
    if (errnoOf(error) !== "EPERM") throw mapError(target, error);
    useTool(target, mappings);
  }
}

function useTool({ pid, kind, tool }: Target, mappings: readonly IdMapping[]): void {
  const path = findTool(tool);
  const what = `failed to use ${tool.slice(0, 6)} map on ${pid}`;
  if (path === undefined) {
    throw new RunoError(`${what}: mapping tool not present`, { hint: `install ${tool} (Debian: package uidmap)` });
  }
  const ranges = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String));
  const result: CommandResult = runTool(path, [String(pid), ...ranges]);
  if (result.code === 0) return;
  throw new RunoError(`${what}: ${tool} exited with ${result.code}: ${result.stderr.trim()}`, {
    hint: `check the caller's ranges in /etc/sub${kind}`,
  });
}

function writeMap(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text, { create: false });
  } catch (error) {
    throw new RunoError(`writing "${text}" to "${path}"`, { cause: error });
  }
}

function mapError({ pid, kind }: Target, cause: unknown): RunoError {
  return new RunoError(`writing "/proc/${pid}/${kind}_map"`, {
    cause,
    hint: errnoOf(cause) === "EINVAL" ? `ranges of linux.${kind}Mappings overlap, or are too many (340)` : undefined,
  });
}
