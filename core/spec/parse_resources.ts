/** Text of a resources file to a typed value. */

import { parseAs } from "./read.ts";
import { RESOURCES } from "./schema/resources.ts";
import type { Resources } from "./types.ts";
import { validateResources } from "./validate_resources.ts";

/** Read the resources file of `update --resources`, as `parseSpec()` reads a config. */
export function parseResources(text: string, path: string): Resources {
  return parseAs<Resources>(text, path, RESOURCES, validateResources);
}
