/** The report that `deno test --junit-path` writes. */

/** What became of a set of tests. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** The names of tests that could not run here; a name says why. */
  readonly skipped: readonly string[];
}

/** Counts the test cases of a report. */
export function readReport(xml: string): Outcome {
  const cases = xml.split("<testcase ").slice(1);
  const skipped = cases.filter((text) => text.includes("<skipped")).map(nameOf);
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).length;
  return { passed: cases.length - failed - skipped.length, failed, skipped };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function nameOf(text: string): string {
  const name = /\bname="([^"]*)"/.exec(text)?.[1] ?? "";
  return name.replace(/&(\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole);
}
