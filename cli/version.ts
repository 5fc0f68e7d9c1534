/** `--version`. */

import { OCI_VERSION } from "../core/spec/state.ts";
import { COMMIT, VERSION } from "../core/version.ts";

/** Docker reads the last line that holds the word "version", containerd a first line that begins "runc version ". */
export function versionText(program: string): string {
  const commit = COMMIT === undefined ? "" : `commit: ${COMMIT}\n`;
  return `${program} version ${VERSION}\n${commit}spec: ${OCI_VERSION}\n`;
}
