/** Machine code from assembly, by binutils. */

import { RunoError } from "../../core/error.ts";

/** The machines that runo has code of its own for, as uname(2) names them. */
export type Arch = "x86_64" | "aarch64";

/** The prefix of the tools, and Debian's package that has them. */
const TOOLS = {
  x86_64: { prefix: "x86_64-linux-gnu-", package: "binutils-x86-64-linux-gnu" },
  aarch64: { prefix: "aarch64-linux-gnu-", package: "binutils-aarch64-linux-gnu" },
} as const satisfies Record<Arch, unknown>;

/** Why this machine cannot assemble for `arch`; undefined when it can. */
export function missingAssembler(arch: Arch): string | undefined {
  const tool = TOOLS[arch];
  const found = ["as", "objcopy"].every((name) =>
    new Deno.Command("sh", { args: ["-c", `command -v ${tool.prefix}${name}`], stdout: "null" }).outputSync().success
  );
  return found ? undefined : `no ${tool.prefix}as and objcopy (apt-get install ${tool.package})`;
}

/** The bytes of the text section. @throws {RunoError} with what the assembler says */
export function assemble(source: string, arch: Arch): Uint8Array<ArrayBuffer> {
  const { prefix } = TOOLS[arch];
  const directory = Deno.makeTempDirSync({ prefix: "runo-as-" });
  try {
    run(`${prefix}as`, [source, "-o", `${directory}/code.o`]);
    run(`${prefix}objcopy`, ["-O", "binary", "-j", ".text", `${directory}/code.o`, `${directory}/code`]);
    return Deno.readFileSync(`${directory}/code`);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function run(command: string, args: readonly string[]): void {
  const { success, stderr } = new Deno.Command(command, { args: [...args] }).outputSync();
  if (!success) throw new RunoError(`assembling: ${command} says ${new TextDecoder().decode(stderr).trim()}`);
}
