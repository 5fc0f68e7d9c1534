/** Which runo this is. */

/** The version of runo. */
export const VERSION = "0.1.0";

/** Put into the executable by `deno task compile`. */
const BUILT_FROM = "@COMMIT@";

/** The commit that the executable was made from; undefined when it is not known. */
export const COMMIT: string | undefined = BUILT_FROM.startsWith("@") ? undefined : BUILT_FROM;
