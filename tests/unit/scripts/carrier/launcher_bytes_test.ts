import { assertEquals } from "@std/assert";
import { ENTRY } from "../../../../scripts/carrier/frozen/entry_bytes.ts";
import { LAUNCHER } from "../../../../scripts/carrier/launcher_bytes.ts";
import { missingAssembler } from "../../../../scripts/gen/assemble.ts";
import { assembleEntry, assembleLauncher } from "../../../../scripts/gen/carrier.ts";

for (const arch of ["x86_64", "aarch64"] as const) {
  const missing = missingAssembler(arch);
  Deno.test({
    name: `LAUNCHER has the bytes of ${arch}.s${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    ignore: missing !== undefined,
    fn: () => assertEquals(assembleLauncher(arch).toHex(), LAUNCHER[arch].toHex()),
  });
}

const missing = missingAssembler("x86_64");
Deno.test({
  name: `ENTRY has the bytes of frozen/x86_64.s${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  ignore: missing !== undefined,
  fn: () => assertEquals(assembleEntry().toHex(), ENTRY.x86_64.toHex()),
});
