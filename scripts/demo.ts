/**
 * `deno task demo`: runs a container, shows what it sees and what it costs, and removes it. As root, or as anybody
 * (rootless); nothing need be installed.
 */

import { messageOf, RunoError } from "../core/error.ts";
import { compileIfOld, EXECUTABLE } from "./compile.ts";
import { makeRootfs } from "./fixtures/rootfs.ts";

/** What the container shows. Where the root file system has only a shell, the shell does it all. */
const SCRIPT = `
missing() { ! command -v "$1" > /dev/null; }
missing hostname && hostname() { read -r name < /proc/sys/kernel/hostname; echo "$name"; }
missing id && id() { while read -r key first rest; do case $key in Uid:|Gid:) echo "$key $first";; esac; done < /proc/self/status; }
missing mount && mount() { while read -r what where type rest; do echo "$what on $where type $type"; done < /proc/mounts; }
missing ps && ps() { for p in /proc/[0-9]*; do read -r name < $p/comm; echo "\${p#/proc/} $name"; done; }
show() {
  echo "    \\$ $1"; count=0
  $1 | { while read -r line; do count=$((count + 1)); [ $count -gt 9 ] || echo "      $line"; done
         [ $count -le 9 ] || echo "      ... $((count - 9)) more"; }
}
show hostname; show id; show ps; show mount`;

const directory = Deno.makeTempDirSync({ prefix: "runo-demo-" });
const id = `demo-${Deno.pid}`;

/** Runs the executable, its state below the demo's directory. @returns milliseconds */
function runo(args: readonly string[], stdout: "inherit" | "null" = "null"): number {
  const start = performance.now();
  const { success } = new Deno.Command(EXECUTABLE, {
    args: ["--root", `${directory}/state`, ...args],
    ...{ stdin: "null", stdout, stderr: "inherit" },
  }).outputSync();
  const took = performance.now() - start;
  if (!success) throw new RunoError(`running the demonstration: "runo ${args[0]}" failed`);
  return took;
}

function state(): { readonly status: string; readonly pid: number } {
  const { stdout } = new Deno.Command(EXECUTABLE, { args: ["--root", `${directory}/state`, "state", id] }).outputSync();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A line of /proc/PID/status, or of /proc/PID/smaps_rollup. */
function field(file: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(Deno.readTextFileSync(file))?.[1] ?? "unknown";
}

function makeBundle(): void {
  const kind = makeRootfs(`${directory}/rootfs`);
  Deno.writeTextFileSync(`${directory}/rootfs/bin/show`, SCRIPT);
  const rootless = Deno.uid() === 0 ? [] : ["--rootless"];
  runo(["spec", "--bundle", directory, ...rootless]);
  const config = JSON.parse(Deno.readTextFileSync(`${directory}/config.json`));
  Object.assign(config.process, { terminal: false, args: ["/bin/sh", "/bin/show"] });
  Object.assign(config, { hostname: "runo-demo" });
  Deno.writeTextFileSync(`${directory}/config.json`, JSON.stringify(config, undefined, 2));
  const tools = kind === "busybox" ? "busybox" : "this machine's shell";
  console.log(`\nA container ${rootless.length > 0 ? "without root" : "as root"}, with ${tools} in it:\n`);
}

async function demonstrate(): Promise<void> {
  makeBundle();
  const create = runo(["create", "--bundle", directory, id], "inherit");
  const { pid } = state();
  const memory = field(`/proc/${pid}/status`, "VmRSS"), threads = field(`/proc/${pid}/status`, "Threads");
  const start = runo(["start", id]);
  while (state().status !== "stopped") await new Promise((resolve) => setTimeout(resolve, 10));
  const remove = runo(["delete", id]);
  const run = runo(["run", "--bundle", directory, id]);
  const rows = [
    ["create, start, delete", `${create.toFixed(0)} + ${start.toFixed(0)} + ${remove.toFixed(0)} ms`],
    ["run, all at once", `${run.toFixed(0)} ms, the program's own time included`],
    ["memory of the created container", `${memory}, ${threads} thread`],
  ];
  console.log("\nWhat it cost:\n");
  for (const [what, cost] of rows) console.log(`    ${what!.padEnd(34)}${cost}`);
}

if (import.meta.main) {
  let failure: unknown;
  try {
    compileIfOld();
    await demonstrate();
  } catch (error) {
    failure = error;
  } finally {
    // a container that is left after a failure; an unknown one is no error with --force
    new Deno.Command(EXECUTABLE, { args: ["--root", `${directory}/state`, "delete", "--force", id] }).outputSync();
    Deno.removeSync(directory, { recursive: true });
  }
  if (failure !== undefined) {
    console.error(messageOf(failure));
    Deno.exit(1);
  }
}
