/** Paths of the command line. */

/** A path from the root, without "." and "..", as text: nothing need be there. */
export function absolutePath(path: string): string {
  const parts: string[] = [];
  const whole = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The same for a path that may not be given; an empty one is none. */
export function optionalPath(path: string | undefined): string | undefined {
  return path === undefined || path === "" ? undefined : absolutePath(path);
}

/** A directory without symlinks, as the kernel would say it after chdir(2). One that is missing is somebody else's error. */
export function realDirectory(path: string | undefined): string {
  const absolute = absolutePath(path ?? ".");
  try {
    return Deno.realPathSync(absolute);
  } catch {
    return absolute;
  }
}
