/** `--version`. */

import { OCI_VERSION } from "../core/spec/state.ts";

/** The version of runo. */
export const VERSION = "0.1.0";

/** Put into the executable by `deno task compile`. */
const BUILT_FROM = "@COMMIT@";

/** The commit that the executable was made from; undefined when it is not known. */
export const COMMIT: string | undefined = BUILT_FROM.startsWith("@") ? undefined : BUILT_FROM;

/** Docker reads the last line that holds the word "version", containerd a first line that begins "runc version ". */
export function versionText(program: string): string {
  const commit = COMMIT === undefined ? "" : `commit: ${COMMIT}\n`;
  return `${program} version ${VERSION}\n${commit}spec: ${OCI_VERSION}\n`;
}
