/** SHA-256 of what is too large to be held in memory. */

/** A digest in the making. */
export interface Hash {
  update(bytes: Uint8Array | string): unknown;
  digest(encoding: "hex"): string;
}

/** Begins one. */
export type NewHash = () => Hash;

/** Loads the implementation, when it is needed: the command's scripts import nothing of Node at their start. */
export async function loadHash(): Promise<NewHash> {
  const { createHash } = await import("node:crypto");
  return () => createHash("sha256");
}
