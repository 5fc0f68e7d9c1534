/** `--version`. */

import { OCI_VERSION } from "../core/spec/state.ts";

/** The version of runo. */
export const VERSION = "0.1.0";

/** Docker reads the last line that holds the word "version", containerd a first line that begins "runc version ". */
export function versionText(program: string): string {
  return `${program} version ${VERSION}\nspec: ${OCI_VERSION}\n`;
}
