/** The flag of commands that print for people and for programs. */

import type { Flags } from "./flags.ts";

export const FORMAT_FLAG = {
  format: {
    kind: "text",
    short: "f",
    help: 'format: "table" or "json" (default: "table")',
    choices: ["table", "json"],
  },
} as const satisfies Flags;
