/** The caller's environment, for programs that are to inherit it. */

/** What the executable's launcher adds for Deno; it is nobody else's business. */
const OWN = new Set(["DENO_NO_UPDATE_CHECK", "DENO_DIR", "RUNO_NOFILE_SOFT"]);

/** NAME=value of each variable of the caller. */
export function inheritedEnvironment(): string[] {
  return Object.entries(Deno.env.toObject()).filter(([name]) => !OWN.has(name)).map(([name, value]) =>
    `${name}=${value}`
  );
}
