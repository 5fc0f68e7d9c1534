/** A small executable of the carrier's kind, to see what the program in it is given. */

import { type Home, makeCarrier } from "../../../../scripts/carrier/carrier.ts";
import { makeFrozen } from "../../../../scripts/carrier/frozen/executable.ts";

/** An executable whose program says what it was given, or throws as it is told. */
const PROBE = `(async (load, later) => {
  const main = async (args) => {
    const how = args[0];
    if (how === "throw") throw new Error("thrown\\nsecond line");
    if (how === "reject") Promise.reject(new TypeError("rejected"));
    if (how === "late") setTimeout(() => { throw "late"; });
    if (how === "reject" || how === "late") await new Promise(() => setTimeout(() => {}, 10_000));
    if (how === "lazy") console.log((await later("lazy.js")).word + load("lazy.js").count());
    else console.log(JSON.stringify({
      args,
      pid: Deno.pid === Number(Deno.readLinkSync("/proc/self")),
      directory: Deno.cwd(),
      variables: Deno.env.toObject(),
      name: Deno.readTextFileSync("/proc/self/cmdline").split("\\0")[0],
      environ: Deno.readTextFileSync("/proc/self/environ").split("\\0").slice(0, -1),
      listed: how === "list" ? Array.from(Deno.readDirSync(Deno.env.get("DENO_DIR")), ({ name }) => name) : undefined,
      descriptor: how === "read" ? Deno.readTextFileSync("/proc/self/fd/" + args[1]) : undefined,
    }));
    return 0;
  };
  Deno.exit(await main(Deno.args));
  return { main };
})`;
const LAZY = `((load, later) => { let n = 0; return { word: "\u00e9", count: () => n++ }; })`;

/** What the probe says. */
export interface Said {
  readonly args: readonly string[];
  /** Whether Deno knows its pid. */
  readonly pid: boolean;
  readonly directory: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly name: string;
  readonly environ: readonly string[];
  readonly listed?: readonly string[];
  readonly descriptor?: string;
}

/** The programs of the executable. */
export const SCRIPTS = [{ name: "main.js", text: PROBE }, { name: "lazy.js", text: LAZY }];

/** Writes the executable, carried by this deno. */
export function makeProbe(path: string, deno: string, home?: Home): void {
  Deno.writeFileSync(path, makeCarrier(Deno.readFileSync(deno), SCRIPTS, home), { mode: 0o755 });
}

/** Writes one that thaws. */
export function makeFrozenProbe(path: string, deno: string): void {
  const work = Deno.makeTempDirSync({ prefix: "runo-carrier-" });
  try {
    Deno.writeTextFileSync(`${work}/scripts.json`, JSON.stringify(SCRIPTS));
    const executable = makeFrozen({
      deno: Deno.readFileSync(deno),
      scripts: SCRIPTS,
      codeCache: new Uint8Array(),
      work,
    });
    Deno.writeFileSync(path, executable, { mode: 0o755 });
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}
