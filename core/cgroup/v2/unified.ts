/** `linux.resources.unified`: any file of cgroup v2. */

import { errnoOf, RunoError } from "../../error.ts";
import type { Resources } from "../../spec/types.ts";
import { readFile, type Target, writeLimit } from "../target.ts";

export function isUnifiedSet({ unified = {} }: Resources): boolean {
  return Object.keys(unified).length > 0;
}

/** Writes each value line by line: some files take one entry at a time. */
export function setUnified(target: Target, { unified = {} }: Resources): void {
  for (const [file, value] of Object.entries(unified)) {
    for (const line of value.split("\n").filter((text) => text !== "")) {
      try {
        writeLimit(target, file, line, { restore: (content) => content.split("\n") });
      } catch (error) {
        throw explained(target, file, error);
      }
    }
  }
}

/** The file is missing when its controller is, or when there is no such file at all. */
function explained(target: Target, file: string, error: unknown): RunoError {
  const phrase = `unable to set unified resource "${file}"`;
  if (!["ENOENT", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return new RunoError(phrase, { cause: error });
  const [controller = "", parameter] = file.split(".");
  if (parameter === undefined) {
    return new RunoError(`unified resource "${file}" must be in the form CONTROLLER.PARAMETER`, { kind: "invalid" });
  }
  const available = readFile(target, "cgroup.controllers").split(" ");
  if (controller === "cgroup" || available.includes(controller)) return new RunoError(phrase, { cause: error });
  return new RunoError(`unified resource "${file}" can't be set: controller "${controller}" not available`, {
    kind: "unsupported",
    hint: available[0] === "" ? "no controller is available there" : `available there: ${available.join(", ")}`,
  });
}
