/** Reading and writing the files of a cgroup; errors name the file, the value and what to do about it. */

import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, F_OK, O_CLOEXEC, O_TRUNC, O_WRONLY } from "../../ffi/abi.ts";
import { call, tryCall } from "../../ffi/call.ts";
import { Fd } from "../../ffi/fd.ts";
import { errnoOf, RunoError } from "../error.ts";

/** Likely reasons by errno; a caller that knows better gives its own. */
const HINTS: Readonly<Record<string, string>> = {
  ENOENT: "the controller is not enabled there, or this kernel does not have it",
  EACCES: "the caller may not write there: is the cgroup delegated?",
  EPERM: "the kernel forbids it to this caller, or to any: is the cgroup delegated?",
  EROFS: "cgroups are mounted read-only",
  EINVAL: "the kernel does not take the value",
  ERANGE: "the value is out of the kernel's range",
  ENODEV: "the cgroup has been removed, or there is no such device",
};

/**
 * Writes a value to a file of a cgroup, in one write(2).
 * @param hints likely fixes by errno, before the usual ones
 * @throws {RunoError}
 */
export function writeValue(path: string, value: string, hints: Readonly<Record<string, string>> = {}): void {
  writeValues(path, [value], hints);
}

/** Writes several values to one file, each in a write(2) of its own. @throws {RunoError} */
export function writeValues(path: string, values: readonly string[], hints: Readonly<Record<string, string>>): void {
  let current = values[0] ?? "";
  try {
    using file = new Fd(call("openat", AT_FDCWD, path, O_WRONLY | O_TRUNC | O_CLOEXEC, 0));
    for (const value of values) {
      current = value;
      const bytes = encoder.encode(value);
      call("write", file.number, bytes, bytes.length);
    }
  } catch (error) {
    const errno = errnoOf(error) ?? "";
    throw new RunoError(`writing "${current}" to "${path}"`, { cause: error, hint: hints[errno] ?? HINTS[errno] });
  }
}

const encoder = new TextEncoder();

/** The content without the newline at its end. @throws {RunoError} */
export function readValue(path: string): string {
  try {
    return Deno.readTextFileSync(path).trimEnd();
  } catch (error) {
    throw new RunoError(`reading "${path}"`, { cause: error });
  }
}

/** The content, or undefined when the file (or the cgroup) is not there. */
export function readIfThere(path: string): string | undefined {
  // an error that is thrown and caught takes longer than to ask before
  if (!exists(path)) return undefined;
  try {
    return readValue(path);
  } catch (error) {
    // ENODEV: the cgroup was removed between open and read
    if (["ENOENT", "ENODEV"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** Whether there is such a file or directory. */
export function exists(path: string): boolean {
  return typeof tryCall("faccessat2", AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) === "number";
}
