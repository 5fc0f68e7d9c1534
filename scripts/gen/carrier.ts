/** The machine code of the carrier's launcher, and of the entry in front of it. */

import { assemble } from "./assemble.ts";
import { bytesFile } from "./bytes_file.ts";

const DIRECTORY = new URL("../carrier/", import.meta.url);

/** The launcher's code for `arch`, assembled anew. @throws {RunoError} */
export function assembleLauncher(arch: "x86_64" | "aarch64"): Uint8Array<ArrayBuffer> {
  return assemble(new URL(`${arch}.s`, DIRECTORY).pathname, arch);
}

/** The code of the entry that thaws, assembled anew. @throws {RunoError} */
export function assembleEntry(): Uint8Array<ArrayBuffer> {
  return assemble(new URL("frozen/x86_64.s", DIRECTORY).pathname, "x86_64");
}

/** Writes scripts/carrier/launcher_bytes.ts and scripts/carrier/frozen/entry_bytes.ts. */
export function carrierBytes(): readonly string[] {
  const code = { x86_64: assembleLauncher("x86_64"), aarch64: assembleLauncher("aarch64") };
  Deno.writeTextFileSync(
    new URL("launcher_bytes.ts", DIRECTORY),
    bytesFile("LAUNCHER", "The launcher's machine code.", code),
  );
  Deno.writeTextFileSync(
    new URL("frozen/entry_bytes.ts", DIRECTORY),
    bytesFile("ENTRY", "The entry's machine code.", { x86_64: assembleEntry() }),
  );
  return ["scripts/carrier/launcher_bytes.ts", "scripts/carrier/frozen/entry_bytes.ts"];
}
