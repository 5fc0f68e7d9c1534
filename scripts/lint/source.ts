/** The project's files as the house lint sees them. */

/** An import of a file. */
export interface Import {
  readonly specifier: string;
  /** Gone once types are stripped. */
  readonly typeOnly: boolean;
  /** `import("...")`: met when it is evaluated. */
  readonly dynamic: boolean;
}

export interface Source {
  /** Below the top of the project, with "/". */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** What is wrong, and where: `path:line` or `path`. */
export interface Finding {
  readonly where: string;
  readonly what: string;
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[^"'`;=()]*?\bfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\("([^"]+)"\)/g;

/** A file and its imports. */
export function source(path: string, text: string): Source {
  if (!path.endsWith(".ts")) return { path, text, imports: [] };
  const fixed = Array.from(text.matchAll(STATIC), ([, type, specifier]) => ({
    ...{ specifier: specifier!, typeOnly: type !== undefined, dynamic: false },
  }));
  const lazy = Array.from(text.matchAll(DYNAMIC), ([, specifier]) => ({
    ...{ specifier: specifier!, typeOnly: false, dynamic: true },
  }));
  return { path, text, imports: [...fixed, ...lazy] };
}

/** The path below the top that a relative specifier leads to; undefined for a package. */
export function target(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** `path:line` of a place in a text. */
export function place({ path, text }: Source, index: number): string {
  return `${path}:${text.slice(0, index).split("\n").length}`;
}
