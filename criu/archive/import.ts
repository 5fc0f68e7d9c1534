/** `restore --import`: a container from an exported checkpoint. Nothing is started before all of it has been verified. */

import { RunoError } from "../../core/error.ts";
import { prepare } from "../../core/host/prepare.ts";
import { newState, thisCreator } from "../../core/host/new_state.ts";
import type { RestoreOptions } from "../options.ts";
import { restoreContainer } from "../restore.ts";
import { findCriu } from "../version.ts";
import { loadHash, type NewHash } from "./hash.ts";
import {
  type ArchivedFile,
  assertCompatible,
  type Here,
  machine,
  MANIFEST,
  type Manifest,
  outline,
  parseManifest,
} from "./manifest.ts";
import { summarize } from "./rootfs.ts";
import { type Entry, readEntries } from "./tar.ts";

/** What an import is told beside what a restore is. */
export interface ImportOptions {
  /** Absolute path of the file. */
  readonly archive: string;
  /** Keep the images, in their directory. */
  readonly keep: boolean;
  /** Take a root file system that differs from that of the checkpoint. */
  readonly anyRootfs: boolean;
}

/** A manifest of a few thousand images is smaller than this. */
const MANIFEST_LIMIT = 16 << 20;

/**
 * Restores a container from an archive.
 * @returns 0 when detached, else the exit code of the container (128 + signal)
 * @throws {RunoError} before anything is made, when the archive is damaged or does not fit the machine or the bundle
 */
export async function importCheckpoint(options: RestoreOptions, settings: ImportOptions): Promise<number> {
  const newHash = await loadHash();
  await unpack(options, settings, newHash);
  return await restoreContainer({
    ...options,
    restored: () => {
      // those of a restore that failed stay, for CRIU's log is with them
      if (!settings.keep) Deno.removeSync(options.imagePath, { recursive: true });
    },
  });
}

async function unpack(
  options: RestoreOptions,
  { archive, anyRootfs }: ImportOptions,
  newHash: NewHash,
): Promise<void> {
  using file = openArchive(archive);
  const entries = readEntries(file);
  const manifest = readManifest(entries.next().value);
  assertCompatible(manifest, await here(options, anyRootfs ? manifest : undefined, newHash));
  makeDirectory(options.imagePath);
  try {
    extract(entries, options.imagePath, manifest.files, newHash);
  } catch (error) {
    Deno.removeSync(options.imagePath, { recursive: true });
    throw error;
  }
}

function openArchive(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    throw new RunoError(`opening archive "${path}"`, { kind: "invalid", cause: error });
  }
}

function readManifest(entry: Entry | undefined | void): Manifest {
  if (entry?.name !== MANIFEST || entry.size > MANIFEST_LIMIT) {
    throw new RunoError(`reading the archive: it does not begin with "${MANIFEST}"`, {
      kind: "invalid",
      hint: "is it a file that checkpoint --export made?",
    });
  }
  const bytes = new Uint8Array(entry.size);
  let at = 0;
  entry.read((chunk) => {
    bytes.set(chunk, at);
    at += chunk.length;
  });
  return parseManifest(new TextDecoder().decode(bytes));
}

/** What this machine and this bundle are. @param assumed where the root file system is taken as it is */
async function here(options: RestoreOptions, assumed: Manifest | undefined, newHash: NewHash): Promise<Here> {
  const prepared = await prepare(options);
  const { config } = newState({ options, prepared, created: "", init: { creator: thisCreator() } });
  return {
    criu: findCriu(options.criu).version,
    ...machine(),
    ...outline(config),
    rootfs: assumed?.rootfs ?? summarize(prepared.rootfs, newHash),
  };
}

/** The directory must be new: what is in it would be taken for images. */
function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw new RunoError(`making image directory "${path}" for the archive`, { cause: error });
  }
}

function extract(entries: Iterable<Entry>, images: string, files: readonly ArchivedFile[], newHash: NewHash): void {
  const expected = new Map(files.map((file) => [file.name, file]));
  for (const entry of entries) {
    const file = expected.get(entry.name);
    if (file === undefined) throw damaged(`"${entry.name}" is not in its manifest, or there twice`);
    expected.delete(entry.name);
    extractFile(entry, `${images}/${entry.name}`, file, newHash);
  }
  const [missing] = expected.keys();
  if (missing !== undefined) throw damaged(`"${missing}" is missing`);
}

function extractFile(entry: Entry, path: string, file: ArchivedFile, newHash: NewHash): void {
  if (entry.size !== file.size) throw damaged(`"${entry.name}" has ${entry.size} bytes, not ${file.size}`);
  using image = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  const hash = newHash();
  entry.read((chunk) => {
    hash.update(chunk);
    for (let done = 0; done < chunk.length;) done += image.writeSync(chunk.subarray(done));
  });
  if (hash.digest("hex") !== file.sha256) throw damaged(`"${entry.name}" has not the content that it had`);
}

function damaged(reason: string): RunoError {
  return new RunoError(`reading the archive: ${reason}`, { kind: "invalid", hint: "export or copy it again" });
}
