/** Measuring: what is compared takes turns, so that the machine's other work falls on all alike. */

/** Something to be timed. It is told the number of the round, and times itself what belongs to the measurement. */
export interface Subject {
  readonly name: string;
  /** One round: milliseconds by what was done. */
  readonly round: (n: number) => Readonly<Record<string, number>>;
}

/** Medians in milliseconds: what was done -> who did it -> time. */
export type Medians = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Lets the subjects take turns for a number of rounds; one more at first is not counted. */
export function takeTurns(subjects: readonly Subject[], rounds: number): Medians {
  const times: Record<string, Record<string, number[]>> = {};
  for (let n = 0; n <= rounds; n++) {
    for (const { name, round } of subjects) {
      for (const [what, took] of Object.entries(round(n))) {
        const row = times[what] ??= {};
        if (n > 0) (row[name] ??= []).push(took);
      }
    }
  }
  return Object.fromEntries(
    Object.entries(times).map((
      [what, row],
    ) => [what, Object.fromEntries(Object.entries(row).map(([name, all]) => [name, median(all)]))]),
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds that a command takes, its output thrown away. @throws {Error} when it fails */
export function time(command: readonly string[]): number {
  const { took, success } = attempt(command);
  if (!success) throw new Error(`"${command.join(" ")}" failed`);
  return took;
}

/** The same for a command that may fail. */
export function attempt(command: readonly string[]): { readonly took: number; readonly success: boolean } {
  const [program, ...args] = command;
  const start = performance.now();
  // no pipe: a created container would hold its other end, and the benchmark would wait for it
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const { success } = new Deno.Command(program!, { args, ...quiet }).outputSync();
  return { took: performance.now() - start, success };
}
