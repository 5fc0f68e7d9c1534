/** A root file system in short, to tell whether it is the one that a checkpoint was made with. */

import { RunoError } from "../../core/error.ts";
import type { NewHash } from "./hash.ts";

/** What all files together are. */
export interface RootfsSummary {
  readonly files: number;
  /** Of kind, size and path of each, SHA-256 in hexadecimal: CRIU compares sizes too. Owners and times may differ. */
  readonly digest: string;
}

/** Looks at all files below a directory, not at what is in them. @throws {RunoError} */
export function summarize(rootfs: string, newHash: NewHash): RootfsSummary {
  const hash = newHash();
  let files = 0;
  try {
    for (const line of describe(rootfs, "")) {
      hash.update(`${line}\n`);
      files++;
    }
  } catch (error) {
    throw new RunoError(`looking at the root file system "${rootfs}"`, { cause: error });
  }
  return { files, digest: hash.digest("hex") };
}

function* describe(rootfs: string, below: string): Generator<string> {
  const entries = [...Deno.readDirSync(`${rootfs}${below}`)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory, isSymlink } of entries) {
    const path = `${below}/${name}`;
    if (isSymlink) yield `link ${path} ${Deno.readLinkSync(rootfs + path)}`;
    else if (isDirectory) yield `directory ${path}`;
    else yield describeFile(rootfs, path);
    if (isDirectory) yield* describe(rootfs, path);
  }
}

function describeFile(rootfs: string, path: string): string {
  const { isFile, size } = Deno.lstatSync(rootfs + path);
  return isFile ? `file ${path} ${size}` : `special ${path}`;
}
