/**
 * `deno task bench`: what runo costs, side by side with runc and crun where they are installed. As root.
 *
 *     deno task bench [--rounds N] [start] [commands] [size] [mounts] [list] [criu]
 */

import { parseArgs } from "@std/cli/parse-args";

import { benchCommands, benchStart, WHOLE } from "./bench/commands.ts";
import { benchCriu } from "./bench/criu.ts";
import type { Medians } from "./bench/measure.ts";
import { type Runtime, runtimes } from "./bench/runtimes.ts";
import { benchList, benchMounts } from "./bench/scale.ts";
import { smallestLimits, weights } from "./bench/size.ts";
import { ms, ratio, table } from "./bench/table.ts";
import { compileIfOld } from "./compile.ts";

/** Set once the benchmark is in a mount namespace of its own. */
const INSIDE = "RUNO_BENCH_INSIDE";
const HYBRID = "/sys/fs/cgroup/unified";

/** Rows of medians, a column for each runtime and one for each ratio. */
function comparison(medians: Medians, all: readonly Runtime[]): string {
  const others = all.slice(1).map(({ name }) => name);
  const rows = Object.entries(medians).map(([what, times]) => [
    what,
    ...all.map(({ name }) => ms(times[name])),
    ...others.map((name) => ratio(times["runo"], times[name])),
  ]);
  return table(["ms", ...all.map(({ name }) => name), ...others.map((name) => `runo/${name}`)], rows);
}

const SECTIONS = {
  start: (directory: string, _: readonly Runtime[], rounds: number) => {
    const { start = {} } = benchStart(directory, rounds * 2);
    const base = start["bare deno"]!;
    const rows = Object.entries(start).map(([what, took]) => [what, ms(took), ms(took - base)]);
    return table(["ms", "median", "over bare"], rows);
  },
  commands: (directory: string, all: readonly Runtime[], rounds: number) => {
    const { [WHOLE]: whole, ...others } = benchCommands(directory, all, rounds);
    return comparison({ ...others, [WHOLE]: whole! }, all);
  },
  size: (directory: string, all: readonly Runtime[]) => {
    const weight = weights(directory, all), limits = smallestLimits(directory, all);
    const rows = [
      ["memory of a created container", ...all.map(({ name }) => weight[name]!.rss)],
      ["its threads", ...all.map(({ name }) => weight[name]!.threads)],
      [
        "smallest memory limit that starts",
        ...all.map(({ name }) => limits[name] ? `${limits[name]} KiB` : "none tried"),
      ],
    ];
    return table(["", ...all.map(({ name }) => name)], rows);
  },
  mounts: (directory: string, all: readonly Runtime[], rounds: number) => {
    const medians = [10, 100, 500].map((count) => benchMounts(directory, all, count, Math.ceil(rounds / 4)));
    return comparison(Object.assign({}, ...medians), all);
  },
  list: (directory: string, all: readonly Runtime[], rounds: number) => {
    const medians = [10, 100, 1000].map((count) => benchList(directory, all, count, Math.ceil(rounds / 4)));
    return comparison(Object.assign({}, ...medians), all);
  },
  criu: (directory: string, all: readonly Runtime[], rounds: number) => {
    // crun is linked with a libcriu of its own
    const callers = all.filter(({ name }) => name !== "crun");
    const medians = benchCriu(directory, callers, Math.ceil(rounds / 4));
    return "left" in medians ? `checkpoint and restore are left out: ${medians.left}` : comparison(medians, callers);
  },
} as const;

/** crun wants no hybrid cgroup layout: in a mount namespace of its own the benchmark has none, for all runtimes alike. */
function runInside(): number {
  const { code } = new Deno.Command("unshare", {
    args: [
      ...["--mount", "sh", "-c", `umount ${HYBRID}; exec "$0" "$@"`],
      ...[Deno.execPath(), "run", "--allow-all", import.meta.filename!, ...Deno.args],
    ],
    env: { [INSIDE]: "1" },
    ...{ stdin: "null", stdout: "inherit", stderr: "inherit" },
  }).outputSync();
  return code;
}

function isMounted(path: string): boolean {
  return Deno.readTextFileSync("/proc/self/mountinfo").includes(` ${path} `);
}

function bench(wanted: (section: string) => boolean): void {
  const { rounds, _: named } = parseArgs(Deno.args, { string: ["rounds"], default: { rounds: "40" } });
  const directory = Deno.makeTempDirSync({ prefix: "runo-bench-" });
  try {
    const all = runtimes(directory);
    for (const [name, run] of Object.entries(SECTIONS)) {
      if (!wanted(name) || named.length > 0 && !named.includes(name)) continue;
      console.log(`${run(directory, all, Number(rounds))}\n`);
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** What has to do with crun goes on in that namespace, and what has not does not. */
function benchHybrid(): void {
  const code = runInside();
  if (code !== 0) Deno.exit(code);
  // CRIU would dump all cgroups of a hierarchy that is not mounted, and want those back that others have removed since
  bench((section) => section === "criu");
}

if (import.meta.main) {
  if (Deno.uid() !== 0) {
    console.error("the benchmark makes containers as root, as runc does: run it as root");
    Deno.exit(1);
  }
  const inside = Deno.env.get(INSIDE) !== undefined;
  if (!inside) compileIfOld();
  if (!inside && isMounted(HYBRID)) benchHybrid();
  else bench((section) => !inside || section !== "criu");
}
