/** `checkpoint --export`: the images of a checkpoint in one file, with what is needed to judge them elsewhere. */

import { RunoError } from "../../core/error.ts";
import { loadContainer } from "../../core/host/container.ts";
import type { RuncConfig } from "../../core/host/runc_config.ts";
import { checkpointContainer } from "../checkpoint.ts";
import type { CheckpointOptions } from "../options.ts";
import { findCriu } from "../version.ts";
import { loadHash, type NewHash } from "./hash.ts";
import { type ArchivedFile, machine, MANIFEST, type Manifest, outline } from "./manifest.ts";
import { summarize } from "./rootfs.ts";
import { writeEnd, writeEntry } from "./tar.ts";

/**
 * Checkpoints a container into an archive, which is replaced when the new one is whole.
 * @param archive absolute path of the file
 * @param keep whether the images stay in their directory too
 * @throws {RunoError} and there is no archive; images that were made before it failed are kept, and named
 */
export async function exportCheckpoint(
  options: CheckpointOptions,
  { archive, keep }: { readonly archive: string; readonly keep: boolean },
): Promise<void> {
  if (options.preDump || options.lazyPages) {
    throw new RunoError("only a whole checkpoint can be exported: not with --pre-dump or --lazy-pages", {
      kind: "invalid",
    });
  }
  const newHash = await loadHash();
  const { config } = loadContainer(options.root, options.id).state;
  await checkpointContainer(options);
  try {
    writeArchive(archive, options.imagePath, manifestOf(options, config, newHash));
  } catch (error) {
    throw new RunoError(`writing the archive "${archive}"`, {
      cause: error,
      hint: `the checkpoint itself is in "${options.imagePath}"`,
    });
  }
  if (!keep) Deno.removeSync(options.imagePath, { recursive: true });
}

function manifestOf({ id, criu, imagePath }: CheckpointOptions, config: RuncConfig, newHash: NewHash): Manifest {
  return {
    format: 1,
    id,
    exported: new Date().toISOString(),
    criu: findCriu(criu).version,
    ...machine(),
    ...outline(config),
    rootfs: summarize(config.rootfs, newHash),
    files: imageFiles(imagePath).map((name) => describe(imagePath, name, newHash)),
  };
}

/** All but what CRIU says about its work. */
function imageFiles(images: string): string[] {
  const names = [...Deno.readDirSync(images)].filter(({ isFile }) => isFile).map(({ name }) => name);
  return names.filter((name) => !name.endsWith(".log")).sort();
}

function describe(images: string, name: string, newHash: NewHash): ArchivedFile {
  using file = Deno.openSync(`${images}/${name}`);
  const hash = newHash(), buffer = new Uint8Array(1 << 20);
  let size = 0;
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    hash.update(buffer.subarray(0, count));
    size += count;
  }
  return { name, size, sha256: hash.digest("hex") };
}

/** The manifest first: who reads the archive knows what follows, and whether it is of use. */
function writeArchive(archive: string, images: string, manifest: Manifest): void {
  const temporary = `${archive}.${Deno.pid}`;
  try {
    using file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
    const text = new TextEncoder().encode(JSON.stringify(manifest));
    writeEntry(file, MANIFEST, bytesOf(text), text.length);
    for (const { name, size } of manifest.files) {
      using image = Deno.openSync(`${images}/${name}`);
      writeEntry(file, name, image, size);
    }
    writeEnd(file);
    file.syncSync();
    Deno.renameSync(temporary, archive);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

function bytesOf(bytes: Uint8Array): { readSync(into: Uint8Array): number } {
  let at = 0;
  return {
    readSync: (into) => {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return part.length;
    },
  };
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it could not even be made
  }
}
