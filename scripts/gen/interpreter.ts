/** The machine code of the interpreter of programs. */

import { assemble } from "./assemble.ts";
import { bytesFile } from "./bytes_file.ts";

const DIRECTORY = new URL("../../core/program/interpreter/", import.meta.url);

/** The interpreter's code for `arch`, assembled anew. @throws {RunoError} */
export function assembleInterpreter(arch: "x86_64" | "aarch64"): Uint8Array<ArrayBuffer> {
  return assemble(new URL(`${arch}.s`, DIRECTORY).pathname, arch);
}

/** Writes core/program/interpreter/code.ts. */
export function interpreterCode(): readonly string[] {
  const code = { x86_64: assembleInterpreter("x86_64"), aarch64: assembleInterpreter("aarch64") };
  Deno.writeTextFileSync(
    new URL("code.ts", DIRECTORY),
    bytesFile("INTERPRETER", "The interpreter's machine code.", code),
  );
  return ["core/program/interpreter/code.ts"];
}
