/** The directories that CRIU works with, and the one file in them that is the runtime's: descriptors.json. */

import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY_BY_ARCH, O_RDONLY } from "../ffi/abi.ts";
import { ARCH, call } from "../ffi/call.ts";
import { Fd } from "../ffi/fd.ts";
import { errnoOf, RunoError } from "../core/error.ts";
import type { CriuOptions } from "./options.ts";

/** The directories, opened: CRIU reaches them through the descriptors of this process. */
export interface Directories extends Disposable {
  readonly images: Fd;
  /** Undefined where it is the images'. */
  readonly work: Fd | undefined;
}

/**
 * Makes the directories that are to be written to: at a checkpoint both, at a restore the work directory.
 * @throws {RunoError}
 */
export function makeDirectories({ imagePath, workPath }: CriuOptions, which: { readonly images: boolean }): void {
  if (which.images) make(imagePath, "image");
  if (workPath !== undefined) make(workPath, "work");
}

/**
 * Opens the directories.
 * @param root as the process sees them that this is the root of, "/proc/PID/root"; CRIU mounts in its directory, which the kernel allows in its own mount namespace alone
 * @throws {RunoError}
 */
export function openDirectories({ imagePath, workPath }: CriuOptions, root = ""): Directories {
  using stack = new DisposableStack();
  const images = stack.use(openDirectory(root, imagePath, "image"));
  const work = workPath === undefined ? undefined : stack.use(openDirectory(root, workPath, "work"));
  const kept = stack.move();
  return { images, work, [Symbol.dispose]: () => kept[Symbol.dispose]() };
}

/** Where the log is. */
export function logDirectory({ imagePath, workPath }: CriuOptions): string {
  return workPath ?? imagePath;
}

/** Only root may read what was the memory of a process. */
function make(path: string, what: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new RunoError(`making ${what} directory "${path}"`, { cause: error });
  }
}

/**
 * Lets others search the directory of the images: CRIU opens some of them when it is root of the container's user namespace
 * only. The images themselves stay root's.
 */
export function allowSearch(imagePath: string): void {
  try {
    const { mode } = Deno.statSync(imagePath);
    if (mode !== null && (mode & 0o001) === 0) Deno.chmodSync(imagePath, (mode & 0o7777) | 0o001);
  } catch (error) {
    throw new RunoError(`letting the user namespace search image directory "${imagePath}"`, { cause: error });
  }
}

function openDirectory(root: string, path: string, what: string): Fd {
  try {
    // a link to an absolute path would lead out of `root`; containerd's work directory is one
    const place = root + Deno.realPathSync(path);
    return new Fd(call("openat", AT_FDCWD, place, O_RDONLY | O_CLOEXEC | O_DIRECTORY_BY_ARCH[ARCH], 0));
  } catch (error) {
    throw new RunoError(`opening ${what} directory "${path}"`, { kind: "invalid", cause: error });
  }
}

/** Removes the mount points that a CRIU which was killed leaves in its directory; what it had mounted there went with it. */
export function removeMountpoints(dir: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(dir)) {
    if (!isDirectory || !name.startsWith(".criu.")) continue;
    try {
      Deno.removeSync(`${dir}/${name}`);
    } catch {
      // not empty, so not one of those
    }
  }
}

/**
 * Checks `--parent-path`: relative to the images, and a directory.
 * @throws {RunoError} with runc's words
 */
export function checkParentPath(imagePath: string, parentPath: string): void {
  if (parentPath.startsWith("/")) throw new RunoError("--parent-path must be relative", { kind: "invalid" });
  const path = `${imagePath}/${parentPath}`;
  try {
    if (Deno.statSync(path).isDirectory) return;
  } catch (error) {
    throw new RunoError(`invalid --parent-path: "${path}"`, { kind: "invalid", cause: error });
  }
  throw new RunoError(`invalid --parent-path: "${path}": ENOTDIR`, { kind: "invalid" });
}

const DESCRIPTORS = "descriptors.json";

/** Writes where stdio of init led; restoring takes the pipes among them from the caller. */
export function writeDescriptors(imagePath: string, descriptors: readonly string[]): void {
  const path = `${imagePath}/${DESCRIPTORS}`;
  try {
    Deno.writeTextFileSync(path, JSON.stringify(descriptors), { mode: 0o600 });
  } catch (error) {
    throw new RunoError(`writing "${path}"`, { cause: error });
  }
}

/** Reads it. @throws {RunoError} `invalid` when the directory holds no checkpoint */
export function readDescriptors(imagePath: string): string[] {
  const path = `${imagePath}/${DESCRIPTORS}`;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    const missing = errnoOf(error) === "ENOENT";
    throw new RunoError(`reading "${path}"`, {
      kind: "invalid",
      cause: error,
      hint: missing ? "is it the directory of a finished checkpoint (--image-path)?" : undefined,
    });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
  } catch {
    // told below
  }
  throw new RunoError(`reading "${path}": it is no list of descriptors`, { kind: "invalid" });
}
