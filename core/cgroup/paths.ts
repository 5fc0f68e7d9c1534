/** The cgroup of a container: its directories; and arithmetic of paths. */

/** Directories by controller, as state.json records them: "" is v2, "name=systemd" the named hierarchy of v1. */
export interface Cgroup {
  readonly paths: Readonly<Record<string, string>>;
}

/** Whether the host has v2 alone. On a hybrid one v2 has the processes, and v1 the limits. */
export function isV2({ paths }: Cgroup): boolean {
  return paths[""] !== undefined && Object.keys(paths).length === 1;
}

/** The cgroup above. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** The path without "." and "..", doubled or trailing slashes; a relative one cannot climb out of where it starts. */
export function cleanPath(path: string): string {
  const clean = joinPath("/", path);
  return path.startsWith("/") ? clean : clean.slice(1);
}

/** Paths one below the other, absolute, without "." and "..", doubled or trailing slashes. */
export function joinPath(...parts: readonly string[]): string {
  const kept: string[] = [];
  for (const part of parts.join("/").split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}`;
}
