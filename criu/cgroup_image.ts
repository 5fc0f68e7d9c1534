/**
 * The image of the cgroups. CRIU puts down there what their files say while the container is frozen for the dump, that it is
 * frozen among it. A restore with `--manage-cgroups-mode full` would write that back and freeze CRIU, which is in the
 * container's cgroup by then.
 */

import { errnoOf, RunoError } from "../core/error.ts";

const IMAGE = "cgroup.img";

/** Files of cgroups, what they say of what is frozen, and what they say of what goes on: as long, so nothing else moves. */
const STATES = [["freezer.state", "FROZEN", "THAWED"], ["cgroup.freeze", "1", "0"]] as const;

/** Makes the image say that what is restored goes on, as it does in all other modes. @throws {RunoError} */
export function forgetFreezing(imagePath: string): void {
  const path = `${imagePath}/${IMAGE}`;
  try {
    const image = readIfThere(path);
    const places = image === undefined ? [] : frozenPlaces(image);
    if (image === undefined || places.length === 0) return;
    for (const { at, thawed } of places) image.set(thawed, at);
    Deno.writeFileSync(path, image, { create: false });
  } catch (error) {
    throw new RunoError(`changing "${path}"`, { cause: error });
  }
}

/** Whether the image says that something is frozen. @throws {RunoError} */
export function hasFreezing(imagePath: string): boolean {
  const path = `${imagePath}/${IMAGE}`;
  try {
    const image = readIfThere(path);
    return image !== undefined && frozenPlaces(image).length > 0;
  } catch (error) {
    throw new RunoError(`reading "${path}"`, { cause: error });
  }
}

/** Where the values are, and what is to be there instead. */
function frozenPlaces(image: Uint8Array): { readonly at: number; readonly thawed: Uint8Array }[] {
  // a character for each byte, so that a place in the text is one in the image
  const text = new TextDecoder("latin1").decode(image);
  const encoder = new TextEncoder();
  return STATES.flatMap(([file, frozen, thawed]) => {
    const entry = field(1, file) + field(2, frozen), found = [];
    for (let at = text.indexOf(entry); at !== -1; at = text.indexOf(entry, at + 1)) {
      found.push({ at: at + entry.length - frozen.length, thawed: encoder.encode(thawed) });
    }
    return found;
  });
}

/** A text in a message of protobuf: the number of the field and its kind, the length, the bytes. */
function field(number: number, text: string): string {
  return String.fromCharCode(number << 3 | 2, text.length) + text;
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
