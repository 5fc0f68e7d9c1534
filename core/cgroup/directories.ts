/** Making and removing the directories of cgroups. */

import { errnoOf, RunoError } from "../error.ts";
import { sleep } from "../sleep.ts";
import { exists } from "./files.ts";
import { type Cgroup, parentOf } from "./paths.ts";

/**
 * Makes a directory and those above it that are missing.
 * @param made called for each one that was made, top down, before the next
 */
export function makeDirectories(path: string, made: (path: string) => void): void {
  if (mkdir(path)) return made(path);
  if (isDirectory(path)) return;
  makeDirectories(parentOf(path), made);
  if (mkdir(path)) made(path);
}

/** False when it is there already, or cannot be there yet. */
function mkdir(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o755 });
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST" || errno === "ENOENT") return false;
    const hint = HINTS[errno ?? ""];
    // the words that runc has, for callers that look for them
    const denied = `unable to apply cgroup configuration: mkdir ${path}: permission denied`;
    if (errno === "EACCES") throw new RunoError(denied, { errno, hint });
    throw new RunoError(`making cgroup "${path}"`, { cause: error, hint });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "the caller may not make cgroups there: is the cgroup delegated?",
  EPERM: "the caller may not make cgroups there: is the cgroup delegated?",
  EROFS: "cgroups are mounted read-only",
  EAGAIN: "the limit of descendants (cgroup.max.descendants) or depth is reached",
  ENOSPC: "the kernel's number of cgroups is used up",
};

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw new RunoError(`looking at cgroup "${path}"`, { cause: error });
  }
}

/** The cgroup and those below it, parents first; none when it is gone. */
export function subtree(path: string): string[] {
  return [path, ...children(path).flatMap(subtree)];
}

function children(path: string): string[] {
  if (!exists(path)) return [];
  try {
    return [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory).map(({ name }) => `${path}/${name}`);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENODEV") return [];
    throw new RunoError(`reading cgroup "${path}"`, { cause: error });
  }
}

/** How long processes that are dying may keep a cgroup busy. */
const REMOVE_TIMEOUT_MS = 5_000;

/**
 * Removes a cgroup and all below it; none is fine.
 * @throws {RunoError} when it stays busy
 */
export function removeDirectories(path: string): void {
  const deadline = performance.now() + REMOVE_TIMEOUT_MS;
  for (let pause = 1; !tryRemove(path); pause = Math.min(2 * pause, 100)) {
    if (performance.now() >= deadline) {
      throw new RunoError(`removing cgroup "${path}": EBUSY`, { hint: "it still has processes" });
    }
    sleep(pause);
  }
}

function tryRemove(path: string): boolean {
  if (rmdir(path)) return true;
  return subtree(path).toReversed().every(rmdir);
}

/** Removes a cgroup unless it has processes or cgroups below it. */
export function removeIfEmpty(path: string): void {
  rmdir(path);
}

/** False when the cgroup has processes, or cgroups below it. */
function rmdir(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return true;
    if (errnoOf(error) === "EBUSY" || errnoOf(error) === "ENOTEMPTY") return false;
    throw new RunoError(`removing cgroup "${path}"`, { cause: error });
  }
}

/** Removes the directories and all below them, once their processes are gone. */
export function removeCgroup({ paths }: Cgroup): void {
  for (const path of new Set(Object.values(paths))) removeDirectories(path);
}
