/**
 * Compiled seccomp filters, kept from one container to the next: compiling a profile of the usual size takes libseccomp
 * longer than all else that creating a container takes, and engines give most containers the same one.
 */

import { effectiveIds } from "./credentials.ts";

/** Entries that there may be; profiles are few, or something makes a new one for each container. */
const LIMIT = 64;
/** How the entries are called: plain files, which nobody takes for a container. */
const PREFIX = ".seccomp-";
const encoder = new TextEncoder();

/** Where filters are kept, and whose they must be. */
export interface Cache {
  readonly directory: string;
  readonly uid: number;
}

/** The cache of this process' user, in the state root: a reboot takes both away. */
export function seccompCache(root: string): Cache {
  return { directory: root, uid: effectiveIds().euid };
}

/**
 * What `make` makes for this key, or has made before.
 * @param key everything that the result depends on
 */
export function kept(
  key: string,
  make: () => Uint8Array<ArrayBuffer>,
  cache: Cache | undefined,
): Uint8Array<ArrayBuffer> {
  if (cache === undefined) return make();
  const head = encoder.encode(`${key}\0`), name = checksum(head);
  const found = read(cache, name, head);
  if (found !== undefined) return found;
  const made = make();
  write(cache, name, [head, made]);
  return made;
}

/** The entry, if it is one of this very key: a checksum may be that of two. */
function read(cache: Cache, name: string, head: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  try {
    if (!isPrivate(cache)) return undefined;
    const bytes = Deno.readFileSync(`${cache.directory}/${PREFIX}${name}`);
    return head.every((byte, i) => bytes[i] === byte) ? bytes.slice(head.length) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether nobody else can have written there. */
function isPrivate({ directory, uid: owner }: Cache): boolean {
  const { isDirectory, uid, mode } = Deno.lstatSync(directory);
  return isDirectory && uid === owner && ((mode ?? 0) & 0o022) === 0;
}

/** A file system that takes no entry is no reason not to create a container. */
function write(cache: Cache, name: string, parts: readonly Uint8Array<ArrayBuffer>[]): void {
  const { directory } = cache;
  try {
    if (!isPrivate(cache)) return;
    const entries = [...Deno.readDirSync(directory)].filter((entry) => entry.name.startsWith(PREFIX));
    if (entries.length >= LIMIT) { for (const entry of entries) Deno.removeSync(`${directory}/${entry.name}`); }
    const temporary = `${directory}/${PREFIX}${name}.${Deno.pid}`;
    using file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
    for (const part of parts) for (let done = 0; done < part.length;) done += file.writeSync(part.subarray(done));
    Deno.renameSync(temporary, `${directory}/${PREFIX}${name}`);
  } catch {
    // the next one compiles it again
  }
}

/** 64 bits of two 32-bit FNV-1a sums, one of them over the bytes backwards. */
function checksum(bytes: Uint8Array): string {
  const OFFSET = 0x811c9dc5, PRIME = 0x01000193;
  let forwards = OFFSET, backwards = OFFSET;
  for (let i = 0; i < bytes.length; i++) {
    forwards = Math.imul(forwards ^ bytes[i]!, PRIME);
    backwards = Math.imul(backwards ^ bytes[bytes.length - 1 - i]!, PRIME);
  }
  return [forwards, backwards].map((sum) => (sum >>> 0).toString(16).padStart(8, "0")).join("");
}
