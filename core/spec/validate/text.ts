/** Rules about texts that occur in many places. */

import { at, type Findings } from "../problem.ts";

// SemVer 2.0.0, https://semver.org: no leading zeros, optional pre-release and build metadata
const NUMBER = "(?:0|[1-9]\\d*)";
const PRE_RELEASE = `(?:${NUMBER}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
const SEMVER = new RegExp(
  `^(${NUMBER})\\.${NUMBER}\\.${NUMBER}(?:-${PRE_RELEASE}(?:\\.${PRE_RELEASE})*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

/** `ociVersion`: any 1.x, because minor versions only add. */
export function checkVersion(version: string, found: Findings): void {
  const major = SEMVER.exec(version)?.[1];
  if (major === undefined) found.error("/ociVersion", `${quote(version)} is not a SemVer 2.0.0 version`);
  else if (major !== "1") found.error("/ociVersion", `version ${quote(version)} is not supported, only 1.x is`);
}

/** No text of a config may hold a null byte: the kernel would see only what comes before it. */
export function checkNullBytes(value: unknown, pointer: string, found: Findings): void {
  // nearly none does, and pointers to all that there is take long to write
  if (hasNullByte(value)) findNullBytes(value, pointer, found);
}

function hasNullByte(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(hasNullByte);
  return Object.entries(value).some(([key, entry]) => key.includes("\0") || hasNullByte(entry));
}

function findNullBytes(value: unknown, pointer: string, found: Findings): void {
  if (typeof value === "string") {
    // the words of runc for mounts, kept for all
    const what = pointer.startsWith("/mounts/") ? "mount field" : "text";
    if (value.includes("\0")) found.error(pointer, `${what} contains null byte`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      if (key.includes("\0")) found.error(pointer, `name ${quote(key)} contains null byte`);
      findNullBytes(entry, at(pointer, key), found);
    }
  }
}

/** Above it no id of a CPU or a node is taken for one: the largest that runc takes. */
const LARGEST_ID = 65536;

/** A list of ids such as "0-3,7", as the kernel and runc read it: spaces and empty elements are ignored. */
export function parseIdList(text: string): readonly (readonly [first: number, last: number])[] | undefined {
  const ranges: [number, number][] = [];
  for (const element of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(element);
    if (match === null) return undefined;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (first > last || last > LARGEST_ID) return undefined;
    ranges.push([first, last]);
  }
  return ranges;
}

/** Whether a path starts at the root. */
export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

/** The path without ".", ".." and repeated slashes, taken from "/". */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** A text in double quotes, with everything odd in it escaped, so that it stays on one line. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
