/** What the kernel's cgroup files look like. */

/** A number in the kernel's words: all digits, and never above 64 bits (clients send -1 as an unsigned double). */
export function decimal(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const whole = BigInt(Math.trunc(value));
  return String(whole > LARGEST ? LARGEST : whole);
}

const LARGEST = 2n ** 64n - 1n;

/** A number of a file; "max" is the largest of 64 bits, as runc reports it. */
export function count(text: string): bigint {
  const value = text.trim();
  if (value === "max") return LARGEST;
  // BigInt() would take "" for 0, and throw for words
  return value === "" || Number.isNaN(Number(value)) ? 0n : BigInt(value);
}

/** Lines of "key value". */
export function flatKeyed(text: string): Map<string, bigint> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [key, value] = line.trim().split(/\s+/);
      return key === undefined || value === undefined ? [] : [[key, count(value)] as const];
    }),
  );
}

/** Lines of "name key=value key=value". */
export function nestedKeyed(text: string): Map<string, Map<string, string>> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [name, ...pairs] = line.trim().split(/\s+/);
      if (name === undefined || name === "") return [];
      const values = pairs.map((pair) => {
        const equals = pair.indexOf("=");
        return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
      });
      return [[name, new Map(values)] as const];
    }),
  );
}

/** Ids of a list such as "0-3,7". cpuset(7), "List format" */
export function idList(text: string): number[] {
  return text.trim().split(",").filter((part) => part !== "").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The line of a file that is about a device ("8:0 ..."), without the device. */
export function deviceLine(text: string, device: string): string | undefined {
  const line = text.split("\n").find((entry) => entry.startsWith(`${device} `));
  return line?.slice(device.length + 1).trim();
}
