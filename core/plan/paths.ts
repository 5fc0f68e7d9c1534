/** Places below the container's root: found, or made, without ever leaving the root. */

import type { Handling, Reg } from "../program/assembly.ts";
import type { Program } from "../program/program.ts";

/** The components of an absolute path, "." and ".." resolved. */
export function components(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

/** A path relative to the root, "." and ".." resolved; "." for the root itself. */
export function inRoot(path: string): string {
  return components(path).join("/") || ".";
}

/** How a mount point is found or made. */
export interface MountpointOptions {
  /** Make an empty file, not a directory, when nothing is there. */
  readonly file: boolean;
  /** Refuse symlinks on the way, and anything but a directory. */
  readonly ordinary?: boolean;
  /** Emitted when the place is there already. */
  readonly existing?: (at: Reg) => void;
  /** Emitted when it cannot be made step by step: who asks may do it in another way. */
  readonly otherwise?: () => void;
}

/** The place of `path` as an O_PATH descriptor; what is missing of it is made (directories 0755). */
export function mountpoint(p: Program, root: Reg, path: string, options: MountpointOptions): Reg {
  const missing = p.label(`make ${path}`), done = p.label(`have ${path}`);
  const how = options.ordinary ? { noSymlinks: true, directory: true } : {};
  const relative = inRoot(path);
  const at = p.openat2(root, relative, how, { on: "ENOENT", to: missing });
  options.existing?.(at);
  p.jump(done);
  p.place(missing);
  const { otherwise } = options;
  if (otherwise === undefined) {
    make(p, root, components(path), { file: options.file, handling: {} });
  } else {
    const made = p.label(`made ${path}`), unable = p.label(`cannot make ${path}`);
    make(p, root, components(path), { file: options.file, handling: { on: "any", to: unable } });
    p.jump(made);
    p.place(unable);
    otherwise();
    p.place(made);
  }
  p.openat2Into(at, root, relative, how);
  p.place(done);
  return at;
}

/** Makes the last component in its directory, and the directories above where they are missing. */
function make(
  p: Program,
  root: Reg,
  parts: readonly string[],
  { file, handling }: { file: boolean; handling: Handling },
): void {
  const last = parts.at(-1)!;
  const parent = parts.length > 1 ? makeDirectory(p, root, parts.slice(0, -1), handling) : root;
  if (file) p.close(p.openat2(parent, last, { write: true, create: 0o644 }, handling));
  else p.mkdirat(parent, last, 0o755, handling);
  if (parent !== root) p.close(parent);
}

/** The directory with this path, made with those above it as far as it is missing. */
export function makeDirectory(p: Program, root: Reg, parts: readonly string[], handling: Handling = {}): Reg {
  let parent = root;
  for (const [i, part] of parts.entries()) {
    const prefix = parts.slice(0, i + 1).join("/");
    const missing = p.label(`make ${prefix}`), have = p.label(`have ${prefix}`);
    const directory = p.openat2(root, prefix, { directory: true }, { on: "ENOENT", to: missing });
    p.jump(have);
    p.place(missing);
    p.mkdirat(parent, part, 0o755, handling);
    p.openat2Into(directory, root, prefix, { directory: true }, handling);
    p.place(have);
    if (parent !== root) p.close(parent);
    parent = directory;
  }
  return parent;
}
