/** Reading files of the host that need not be there. */

/** The text without its last newline; undefined when there is no such file, or it may not be read. */
export function readOptional(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path).trimEnd();
  } catch {
    return undefined;
  }
}

/** What is there, symlinks followed; undefined when nothing is. */
export function statOptional(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

/** What is there itself. */
export function lstatOptional(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

/** CAP_SYS_RESOURCE, capabilities(7). */
export const SYS_RESOURCE = 24;
/** CAP_SYS_ADMIN. */
export const SYS_ADMIN = 21;

/** Whether this process has a capability. */
export function hasCapability(number: number): boolean {
  const hex = /^CapEff:\s+([0-9a-f]+)/m.exec(readOptional("/proc/self/status") ?? "")?.[1] ?? "0";
  return (BigInt(`0x${hex}`) >> BigInt(number) & 1n) === 1n;
}
