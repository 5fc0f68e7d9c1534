/** Where containers are kept when nobody says so. */

import { effectiveIds, inUserNamespace } from "./credentials.ts";
import { RunoError } from "../error.ts";

/** runc's own directory: each can work on the other's containers. */
const ROOT_OF_THE_MACHINE = "/run/runc";

/**
 * The state root of this caller. A user's own is made here, for its mode matters.
 * @throws {RunoError}
 */
export function defaultRoot(): string {
  const runtimeDir = Deno.env.get("XDG_RUNTIME_DIR");
  if (!runtimeDir || !honoursRuntimeDir()) return ROOT_OF_THE_MACHINE;
  const root = `${runtimeDir.replace(/\/+$/, "")}/runc`;
  try {
    Deno.mkdirSync(root, { recursive: true, mode: 0o700 });
    // XDG base directory specification: what has the sticky bit is not cleaned up
    Deno.chmodSync(root, 0o1700);
  } catch (error) {
    throw new RunoError(`making root "${root}"`, {
      cause: error,
      hint: "XDG_RUNTIME_DIR must be yours, or give --root",
    });
  }
  return Deno.realPathSync(root);
}

/** Root of the machine has a place for all users; root of a user namespace is a user of the machine, unless called "root". */
export function honoursRuntimeDir(): boolean {
  return effectiveIds().euid !== 0 || (inUserNamespace() && Deno.env.get("USER") !== "root");
}
