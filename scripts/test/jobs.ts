/** Running test files, a few at a time, none for ever. */

import { type Outcome, readReport } from "./junit.ts";

/** Files that one `deno test` runs. */
export interface Job {
  readonly name: string;
  readonly paths: readonly string[];
  /** Seconds after which it has failed, and is killed with all that it started. */
  readonly limit: number;
}

/** How a job ended. */
export interface Ended extends Outcome {
  readonly job: Job;
  readonly seconds: number;
  /** All that it printed. */
  readonly output: string;
}

/** How jobs are run. */
export interface Running {
  /** When none may run any more, as `performance.now()` has it. */
  readonly deadline: number;
  /** Told of each when it has ended. */
  readonly tell: (ended: Ended) => void;
}

/** A job that has less time than this is not begun. */
const LEAST_SECONDS = 60;

/**
 * Runs the jobs two at a time, from both ends of the list: the long ones at its end go on beside the many at its begin.
 * Those that the deadline leaves no time are skipped.
 */
export async function runJobs(jobs: readonly Job[], { deadline, tell }: Running): Promise<Ended[]> {
  const ended: Ended[] = [], queue = [...jobs];
  const worker = async (next: () => Job | undefined) => {
    for (let job = next(); job !== undefined; job = next()) {
      const left = Math.floor((deadline - performance.now()) / 1000);
      const result = left < LEAST_SECONDS ? skippedJob(job) : await run(job, left);
      ended.push(result);
      tell(result);
    }
  };
  await Promise.all([worker(() => queue.shift()), worker(() => queue.pop())]);
  return ended;
}

function skippedJob(job: Job): Ended {
  return { job, passed: 0, failed: 0, skipped: ["all (skipped: no time is left)"], seconds: 0, output: "" };
}

async function run(job: Job, left: number): Promise<Ended> {
  const limit = Math.min(job.limit, left);
  const report = await Deno.makeTempFile({ prefix: "runo-report-" });
  const start = performance.now();
  try {
    // timeout(1) makes a process group and kills the whole of it
    const { code, stdout, stderr } = await new Deno.Command("timeout", {
      args: [
        ...["--kill-after=10", `${limit}`, Deno.execPath()],
        ...["test", "--allow-all", "--no-check", "--quiet", `--junit-path=${report}`, ...job.paths],
      ],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const outcome = readReport(await Deno.readTextFile(report));
    const seconds = (performance.now() - start) / 1000;
    const killed = code === 124 || code === 137;
    if (killed && limit < job.limit) return { ...skippedJob(job), seconds };
    // a file that cannot be loaded, crashes or takes too long has no failed test of its own
    const lost = code !== 0 && outcome.failed === 0;
    const why = !lost ? "" : killed ? `killed after ${limit} s\n` : `exit code ${code}\n`;
    return { ...outcome, failed: lost ? 1 : outcome.failed, job, seconds, output: output + why };
  } finally {
    await Deno.remove(report);
  }
}
