/** `deno task gen`: makes the generated files again. */

import { carrierBytes } from "./gen/carrier.ts";
import { constantNames } from "./gen/constants.ts";
import { criuMessages } from "./gen/criu.ts";
import { interpreterCode } from "./gen/interpreter.ts";

/** Each makes its files, and returns their names, or says in one line why it cannot here. */
const GENERATORS: readonly (() => readonly string[])[] = [
  carrierBytes,
  constantNames,
  interpreterCode,
  criuMessages,
];

if (import.meta.main) {
  for (const generate of GENERATORS) generate().forEach((file) => console.log(file));
}
