/** The rules about --console-socket and --detach. */

import { RunoError } from "../error.ts";
import type { Spec } from "../spec/types.ts";
import type { CreateOptions } from "./options.ts";

/** Who copies the terminal: the rules about --console-socket and --detach. The words are runc's, "runc" included. */
export function checkTerminal(spec: Spec, options: Pick<CreateOptions, "detach" | "consoleSocket">): void {
  const terminal = spec.process?.terminal === true;
  if (terminal && options.detach && options.consoleSocket === undefined) {
    throw new RunoError("cannot allocate tty if runc will detach without setting console socket", { kind: "invalid" });
  }
  if ((!options.detach || !terminal) && options.consoleSocket !== undefined) {
    throw new RunoError("cannot use console socket if runc will not detach or allocate tty", { kind: "invalid" });
  }
}
