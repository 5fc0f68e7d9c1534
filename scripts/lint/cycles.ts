/** Modules that import each other, types apart: scripts of the executable are evaluated one after the other. */

import { type Finding, type Source, target } from "./source.ts";

/** One finding for each import that closes a circle. */
export function cycles(sources: readonly Source[]): Finding[] {
  const edges = new Map(sources.map(({ path, imports }) =>
    [
      path,
      imports.filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic)
        .flatMap(({ specifier }) => target(path, specifier) ?? []),
    ] as const
  ));
  const done = new Set<string>(), findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      findings.push({
        where: path,
        what: `imports itself: ${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}`,
      });
      return;
    }
    if (done.has(path)) return;
    done.add(path);
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
  };
  for (const path of edges.keys()) visit(path, []);
  return findings;
}
