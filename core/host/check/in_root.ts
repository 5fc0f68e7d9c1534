/** Paths as the container will see them, looked up from outside. For `check` alone: nothing may rely on it. */

import { lstatOptional } from "./read.ts";

/** What a path of the container is. */
export type Found =
  | { readonly path: string; readonly info: Deno.FileInfo }
  | "missing"
  /** It lies on something that is mounted, or leads into a loop. */
  | "unknown";

const MAX_LINKS = 40;

/**
 * Follows a path within a root file system, symlinks included.
 * @param mounted destinations that something is mounted on: what is there cannot be told
 */
export function findInRoot(rootfs: string, path: string, mounted: readonly string[]): Found {
  let links = 0;
  const done: string[] = [], left = path.split("/").reverse();
  for (;;) {
    const part = left.pop();
    if (part === undefined) break;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const place = `/${[...done, part].join("/")}`;
    if (mounted.includes(place)) return "unknown";
    const info = lstatOptional(`${rootfs}${place}`);
    if (info === undefined) return "missing";
    if (!info.isSymlink) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) return "unknown";
    const target = Deno.readLinkSync(`${rootfs}${place}`);
    if (target.startsWith("/")) done.length = 0;
    left.push(...target.split("/").reverse());
  }
  const at = `/${done.join("/")}`;
  return { path: at, info: Deno.statSync(`${rootfs}${at}`) };
}

/** The places that mounts of a config cover. */
export function mountedPlaces(mounts: readonly { readonly destination: string }[]): string[] {
  return mounts.map(({ destination }) => `/${destination.split("/").filter((part) => part !== "").join("/")}`);
}
