/** Commands that may be about many containers at once: crun's --regex. */

import { RunoError } from "../core/error.ts";
import { listContainers } from "../core/host/container.ts";
import type { Flags } from "./flags.ts";

export const REGEX_FLAG = {
  regex: { kind: "bool", short: "r", help: "take the id for a regular expression, and do it to all that match" },
} as const satisfies Flags;

/** What is asked for. */
export interface Wanted {
  readonly root: string;
  readonly id: string;
  readonly regex: boolean | undefined;
}

/**
 * Does something to one container, or to each that matches; one that fails does not keep the others from it.
 * @throws {RunoError} the first failure
 */
export async function forEachWanted(
  { root, id, regex }: Wanted,
  act: (id: string) => void | Promise<void>,
): Promise<void> {
  if (!regex) return await act(id);
  const failures: unknown[] = [];
  for (const each of matching(root, id)) {
    try {
      await act(each);
    } catch (error) {
      failures.push(new RunoError(`container ${each}`, { cause: error }));
    }
  }
  if (failures.length > 0) throw failures[0];
}

function matching(root: string, pattern: string): string[] {
  let expression: RegExp;
  try {
    expression = new RegExp(pattern);
  } catch (error) {
    throw new RunoError(`invalid regular expression ${JSON.stringify(pattern)}`, { kind: "invalid", cause: error });
  }
  return listContainers(root).map(({ id }) => id).filter((id) => expression.test(id));
}
