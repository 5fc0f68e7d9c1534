/** Memory that the kernel can be pointed at. */

const encoder = new TextEncoder();

/** A NUL-terminated string, off the JavaScript heap (small typed arrays may live on it, and move). */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${text}\0`);
}

/** Zeroed memory, off the JavaScript heap. */
export function allocate(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(size));
}

/** Where the bytes are. They must be kept alive by the caller as long as the address is used. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/** A NULL-terminated table of strings (argv, envp), and what keeps it alive. */
export function stringTable(strings: readonly string[]): { table: Uint8Array<ArrayBuffer>; keep: readonly unknown[] } {
  const keep = strings.map(cString);
  const table = new BigUint64Array(strings.length + 1);
  keep.forEach((bytes, i) => table[i] = addressOf(bytes));
  return { table: new Uint8Array(table.buffer), keep };
}
