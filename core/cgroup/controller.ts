/** What can be limited: each controller has a file of its own with isXSet, setX and statX. */

import type { Resources } from "../spec/types.ts";
import type { Target } from "./target.ts";

/** A controller that has limits. */
export interface Controller {
  /** As the kernel and state.json name it. */
  readonly name: string;
  /** Whether there is a limit to set. */
  readonly isSet: (resources: Resources) => boolean;
  /** Sets the limits. @throws {RunoError} */
  readonly set: (target: Target, resources: Resources) => void;
}
