/** The deno of another architecture, from npm, and what qemu needs to run it. */

/** The C library of Debian's cross compiler: packages libc6-arm64-cross and libgcc-s1-arm64-cross. */
export const AARCH64_SYSROOT = "/usr/aarch64-linux-gnu";

/** The file of the deno for aarch64 that has this deno's version; undefined when npm cannot be reached. */
export function provideDenoForAarch64(): string | undefined {
  const name = "@deno/linux-arm64-glibc", version = Deno.version.deno;
  const { success } = deno(["cache", "--quiet", "--no-config", `npm:${name}@${version}`]);
  if (!success) return undefined;
  const { npmCache } = JSON.parse(new TextDecoder().decode(deno(["info", "--json", "--no-config"]).stdout));
  return `${npmCache}/registry.npmjs.org/${name}/${version}/deno`;
}

function deno(args: string[]): Deno.CommandOutput {
  return new Deno.Command(Deno.execPath(), { args }).outputSync();
}
