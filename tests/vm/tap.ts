/** Reading the results of `deno test --reporter=tap`. Source: testanything.org, version 14. */

/** One test's result. */
export interface Result {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed, "" otherwise. */
  readonly message: string;
}

/** Everything a run of tests said. */
export interface Report {
  readonly results: readonly Result[];
  /** False when the run was cut short: no plan ("1..N") came, or fewer results than it promises. */
  readonly complete: boolean;
}

const POINT = /^(ok|not ok) \d+ - (.*?)( # SKIP.*)?$/;

/** Reads the lines of a TAP stream; lines that belong to no point, and those of subtests, are passed over. */
export function parseTap(text: string): Report {
  const results: Result[] = [];
  let planned: number | undefined;
  for (const line of text.split(/\r?\n/)) {
    const point = POINT.exec(line), plan = /^1\.\.(\d+)$/.exec(line);
    if (plan !== null) planned = Number(plan[1]);
    else if (point !== null) results.push(result(point));
    else if (line.startsWith("  {") && results.at(-1)?.outcome === "failed") {
      results.push({ ...results.pop()!, message: messageOf(line) });
    }
  }
  return { results, complete: planned === results.length };
}

function result([, verdict, name = "", skip]: RegExpExecArray): Result {
  const outcome = skip !== undefined ? "skipped" : verdict === "ok" ? "passed" : "failed";
  return { name: name.replaceAll("\\#", "#").replaceAll("\\\\", "\\"), outcome, message: "" };
}

function messageOf(line: string): string {
  try {
    return String(JSON.parse(line).message);
  } catch {
    return line.trim();
  }
}
