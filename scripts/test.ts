/**
 * `deno task test`: provides what the tests want, makes the executable, runs all suites or those that are named.
 * The last line is `N passed, N failed`.
 *
 *     deno task test [--minutes N] [unit] [root] [peer] [vm]
 *
 * After so many minutes no more tests are begun; those that are left count as skipped.
 */

import { parseArgs } from "@std/cli/parse-args";

import { compile, EXECUTABLE } from "./compile.ts";
import { provision, type Suite } from "./provision/debian.ts";
import { type Ended, type Job, runJobs } from "./test/jobs.ts";

const TESTS = new URL("../tests/", import.meta.url).pathname;
const SUITES: readonly Suite[] = ["unit", "root", "peer", "vm"];
/** Seconds for one file. */
const LIMITS: Readonly<Record<Suite, number>> = { unit: 300, root: 300, peer: 600, vm: 1500 };
/** The jobs of a suite: unit tests are quick and share one, others have one for each file. */
function jobsOf(suite: Suite): Job[] {
  const limit = LIMITS[suite];
  if (suite === "unit") return [{ name: suite, paths: [`${TESTS}unit`], limit }];
  return testFiles(`${TESTS}${suite}`).map((path) => ({ name: path.slice(TESTS.length), paths: [path], limit }));
}

function testFiles(directory: string): string[] {
  return Array.from(Deno.readDirSync(directory)).sort((a, b) => a.name < b.name ? -1 : 1).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) return testFiles(path);
    return entry.name.endsWith("_test.ts") ? [path] : [];
  });
}

function tell({ job, passed, failed, skipped, seconds, output }: Ended): void {
  const counts = [`${passed} passed`, ...failed > 0 ? [`${failed} FAILED`] : []];
  if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
  console.log(`${job.name.padEnd(40)} ${counts.join(", ")} (${seconds.toFixed(1)} s)`);
  if (failed > 0) console.log(output.replace(/^/gm, "    "));
}

function summary(ended: readonly Ended[]): boolean {
  const skipped = ended.flatMap(({ job, skipped }) => skipped.map((name) => `${job.name}: ${name}`));
  for (const line of skipped) console.log(`skipped ${line}`);
  if (skipped.length > 0) console.log(`${skipped.length} skipped`);
  const [passed, failed] = (["passed", "failed"] as const).map((key) => ended.reduce((sum, one) => sum + one[key], 0));
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed! > 0;
}

if (import.meta.main) {
  const { minutes, _: named } = parseArgs(Deno.args, { string: ["minutes"], default: { minutes: "1000" } });
  const suites = named.length > 0 ? SUITES.filter((suite) => named.includes(suite)) : SUITES;
  const deadline = performance.now() + Number(minutes) * 60_000;
  provision(suites, console.log);
  compile(EXECUTABLE);
  const ended = await runJobs(suites.flatMap(jobsOf), { deadline, tell });
  Deno.exit(summary(ended) ? 0 : 1);
}
