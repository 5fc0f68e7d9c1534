/**
 * `deno task gen:hot`: makes scripts/carrier/hot_functions.txt of what V8 tells while a container lives and dies. As root.
 * The bundle is run as it is before it is minified, with names.
 */

import { denoBundle } from "../carrier/bundle.ts";
import { layOutLives } from "../fixtures/life.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FILE = "scripts/carrier/hot_functions.txt";
const LOG_FLAGS = ["--log-function-events", "--no-logfile-per-isolate"];

/** Names of functions by module. */
type Found = Map<string, Set<string>>;

function record(work: string, found: Found): void {
  denoBundle(`${work}/bundle`, `${ROOT}cli/main.ts`, []);
  for (const command of layOutLives(work, "runo-hot")) {
    const log = `${work}/v8.log`;
    const { success } = new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "--allow-all",
          "--no-config",
          "--no-lock",
          `--v8-flags=${[...LOG_FLAGS, `--logfile=${log}`].join(",")}`,
        ],
        ...[`${work}/bundle/main.js`, "--root", `${work}/state`, ...command],
      ],
      ...{ stdin: "null", stdout: "null", stderr: "inherit" },
    }).outputSync();
    if (!success) throw new Error(`"runo ${command.join(" ")}" failed`);
    readLog(Deno.readTextFileSync(log), found);
  }
}

/** Lines `script-details,id,url,..` and `function,event,id,start,end,time,timestamp,name`. */
function readLog(log: string, found: Found): void {
  const rows = log.split("\n").map((line) => line.split(","));
  const texts = new Map<string, string>();
  for (const [kind, id, url] of rows) {
    if (kind === "script-details" && url?.startsWith("file://")) texts.set(id!, Deno.readTextFileSync(new URL(url)));
  }
  for (const [kind, event, id, start] of rows) {
    const text = texts.get(id ?? "");
    if (kind !== "function" || event !== "interpreter" || text === undefined) continue;
    // the log counts from the parenthesis behind the name
    const before = text.slice(0, Number(start)),
      name = /^(?:async )?function\*? ([\w$]+)$/m.exec(before.slice(before.lastIndexOf("\n") + 1))?.[1];
    const path = Array.from(before.matchAll(/^\/\/ (\S+\.ts)$/gm)).at(-1)?.[1];
    if (name === undefined || path === undefined) continue;
    const names = found.get(path) ?? new Set();
    found.set(path, names.add(name));
  }
}

if (import.meta.main) {
  const work = Deno.makeTempDirSync({ prefix: "runo-hot-" }), found: Found = new Map();
  try {
    record(work, found);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
  const lines = Array.from(found, ([path, names]) => `${path}: ${Array.from(names).sort().join(" ")}\n`).sort();
  Deno.writeTextFileSync(`${ROOT}${FILE}`, lines.join(""));
  console.log(`${FILE}: ${Array.from(found.values()).reduce((sum, names) => sum + names.size, 0)} functions`);
}
