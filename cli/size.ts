/** Amounts of memory as people write them. */

const SHIFTS = "kmgtp";

/** "512", "64M", "1.5GiB": bytes, or undefined. All suffixes are binary: docker's units. */
export function parseSize(text: string): number | undefined {
  const [, number, suffix] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const power = suffix === "" || suffix === undefined ? 0 : SHIFTS.indexOf(suffix.toLowerCase()) + 1;
  const bytes = Math.floor(Number(number) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
