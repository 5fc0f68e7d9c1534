/** A bundle, read and checked: everything that can be known to be wrong before anything is made. */

import { errnoOf, RunoError } from "../error.ts";
import { parseSpec } from "../spec/parse.ts";
import type { Spec } from "../spec/types.ts";
import { assertValid } from "../spec/validate.ts";
import type { CreateOptions } from "./options.ts";

/** What was read. */
export interface Bundle {
  readonly spec: Spec;
  /** Absolute, without symlinks. */
  readonly rootfs: string;
  readonly configPath: string;
  /** What is odd but allowed. */
  readonly warnings: readonly string[];
}

/** Reads config.json and finds the root file system. */
export function readBundle(options: Pick<CreateOptions, "bundle" | "config">): Bundle {
  const configPath = options.config ?? `${options.bundle}/config.json`;
  const spec = parseSpec(readConfig(configPath), configPath);
  const warnings = assertValid(spec, configPath).map(({ pointer, message }) => `${configPath}: ${pointer}: ${message}`);
  const rootfs = findRootfs(spec, options.bundle);
  return { spec: withoutRootfs(spec, rootfs), rootfs, configPath, warnings };
}

/** As runc: a mount's destination may be given as the host sees it, the root file system's own path in front. */
function withoutRootfs(spec: Spec, rootfs: string): Spec {
  const prefix = `${rootfs}/`;
  if (!spec.mounts?.some(({ destination }) => destination.startsWith(prefix))) return spec;
  const mounts = spec.mounts.map((mount) =>
    mount.destination.startsWith(prefix) ? { ...mount, destination: mount.destination.slice(rootfs.length) } : mount
  );
  return { ...spec, mounts };
}

/** A config as it is, its rules not looked at. @throws {RunoError} */
export function readBundleConfig(path: string): Spec {
  return parseSpec(readConfig(path), path);
}

/** The text of a config. */
export function readConfig(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    const missing = errnoOf(error) === "ENOENT";
    throw new RunoError(missing ? `JSON specification file ${path} not found` : `reading "${path}"`, {
      kind: "invalid",
      ...missing ? {} : { cause: error },
    });
  }
}

/** The root file system, absolute and without symlinks. @throws {RunoError} */
export function findRootfs(spec: Spec, bundle: string): string {
  const path = spec.root?.path ?? "";
  const absolute = (path.startsWith("/") ? path : `${bundle}/${path}`).replaceAll(/\/+(\.\/)*/g, "/").replace(
    /(?<=.)\/$/,
    "",
  );
  const what = `root file system "${absolute}" (root.path of config.json)`;
  let real: string;
  try {
    real = Deno.realPathSync(absolute);
  } catch (error) {
    throw new RunoError(`invalid ${what}`, { kind: "invalid", cause: error });
  }
  if (!Deno.statSync(real).isDirectory) throw new RunoError(`invalid ${what}: ENOTDIR`, { kind: "invalid" });
  if (Deno.lstatSync(absolute).isSymlink) {
    throw new RunoError(`invalid ${what}: not an absolute path, or a symlink`, { kind: "invalid" });
  }
  return real;
}
