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

/** Runs the jobs in their order, `width` at a time, and tells of each when it has ended. */
export async function runJobs(jobs: readonly Job[], width: number, tell: (ended: Ended) => void): Promise<Ended[]> {
  const ended: Ended[] = [], queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const result = await run(job);
      ended.push(result);
      tell(result);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return ended;
}

async function run(job: Job): Promise<Ended> {
  const report = await Deno.makeTempFile({ prefix: "runo-report-" });
  const start = performance.now();
  try {
    // timeout(1) makes a process group and kills the whole of it
    const { code, stdout, stderr } = await new Deno.Command("timeout", {
      args: [
        ...["--kill-after=10", `${job.limit}`, Deno.execPath()],
        ...["test", "--allow-all", "--no-check", "--quiet", `--junit-path=${report}`, ...job.paths],
      ],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const outcome = readReport(await Deno.readTextFile(report));
    // a file that cannot be loaded, crashes or takes too long has no failed test of its own
    const lost = code !== 0 && outcome.failed === 0;
    const why = !lost ? "" : code === 124 || code === 137 ? `killed after ${job.limit} s\n` : `exit code ${code}\n`;
    const seconds = (performance.now() - start) / 1000;
    return { ...outcome, failed: lost ? 1 : outcome.failed, job, seconds, output: output + why };
  } finally {
    await Deno.remove(report);
  }
}
