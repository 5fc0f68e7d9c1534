/** Rules of `hooks`, runtime-spec config.md, "POSIX-platform Hooks". */

import { at, type Findings } from "../problem.ts";
import type { Hook, HookPhase, Hooks } from "../types.ts";
import { isAbsolute } from "./text.ts";

/** In the order of a container's life. */
export const HOOK_PHASES: readonly HookPhase[] = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
];

/** All six phases. */
export function checkHooks(hooks: Hooks, found: Findings): void {
  for (const [phase, list] of Object.entries(hooks) as [string, readonly Hook[]][]) {
    list.forEach((hook, index) => checkHook(hook, at("/hooks", phase, index), found));
  }
}

function checkHook(hook: Hook, pointer: string, found: Findings): void {
  if (!isAbsolute(hook.path)) found.error(at(pointer, "path"), "must be an absolute path");
  if (hook.timeout !== undefined && hook.timeout <= 0) found.error(at(pointer, "timeout"), "must be greater than zero");
}
