/** A source file that holds machine code. */

import type { Arch } from "./assemble.ts";

const COLUMNS = 100;

/** The text of a module that exports, under `name`, the code of each architecture; as `deno fmt` likes it. */
export function bytesFile(name: string, title: string, code: Readonly<Partial<Record<Arch, Uint8Array>>>): string {
  const entries = Object.entries(code).map(([arch, bytes]) => `  ${arch}: decode(\n${hexLines(bytes)},\n  ),\n`);
  return `/** ${title} Made by \`deno task gen\` from the .s files beside it: do not edit. */

export const ${name} = {
${entries.join("")}} as const;

function decode(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
`;
}

function hexLines(bytes: Uint8Array): string {
  const hex = bytes.toHex();
  const lines = Array.from(
    { length: Math.ceil(hex.length / COLUMNS) },
    (_, i) => hex.slice(i * COLUMNS, (i + 1) * COLUMNS),
  );
  return lines.map((line, i) => `${i === 0 ? "    " : "      "}"${line}"`).join(" +\n");
}
