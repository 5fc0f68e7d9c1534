/** The CRIU of the tests under the version of an older one: what runo asks of such a one, and what that does with it. */

import type { Sandbox } from "../harness.ts";
import { CRIU } from "./criu.ts";

/** See above. It does not know of the request VERSION, as the oldest do not. */
export class OldCriu {
  /** For `--criu`. */
  readonly path: string;
  readonly #calls: string;

  /** @param version as -V prints it: "3.10" */
  constructor(box: Sandbox, version: string) {
    const dir = `${box.dir}/criu-${version}`;
    Deno.mkdirSync(dir, { recursive: true });
    this.path = `${dir}/criu`;
    this.#calls = `${dir}/calls`;
    // the first request of each command is that for the version
    Deno.writeTextFileSync(
      this.path,
      `#!/bin/sh
echo "$*" >>${this.#calls}
if test "$1" = -V; then echo "Version: ${version}"; : >${dir}/told; exit; fi
test -e ${dir}/told || exit 1
exec "${CRIU}" "$@"
`,
      { mode: 0o755 },
    );
    this.forget();
  }

  /** Starts anew, for another command. */
  forget(): void {
    Deno.writeTextFileSync(this.#calls, "");
    try {
      Deno.removeSync(this.path.replace(/criu$/, "told"));
    } catch {
      // it has not been asked yet
    }
  }

  /** How it has been called, each time. */
  calls(): string[] {
    return Deno.readTextFileSync(this.#calls).split("\n").slice(0, -1);
  }
}
