/** What tests of checkpoint and restore stand on: a CRIU that works here, and containers whose stdio it can dump. */

import { assertEquals } from "@std/assert";

import { findCriu } from "../../../scripts/provision/criu.ts";
import { exists, type Result, rootTest, RUNO, type Sandbox, until } from "../harness.ts";

/** The executable, or why there is none. */
const found = findCriu();

/** The CRIU to give with `--criu`. */
export const CRIU: string = "criu" in found ? found.criu : "criu";

/** A test that needs CRIU. */
export function criuTest(name: string, run: () => Promise<void>, unless?: string | false): void {
  rootTest(name, run, "missing" in found ? found.missing : unless);
}

/** Whether it can tell which memory has been written to since an earlier dump. */
export function tracksMemory(): boolean {
  return new Deno.Command(CRIU, { args: ["check", "--feature", "mem_dirty_track"], stderr: "null" }).outputSync()
    .success;
}

/** Whether it can be told to leave the network alone, as 3.19 is the first to. */
export function skipsNetworkLock(): boolean {
  const { stdout } = new Deno.Command(CRIU, { args: ["--version"] }).outputSync();
  const [, major = 0, minor = 0] = /Version: (\d+)\.(\d+)/.exec(new TextDecoder().decode(stdout)) ?? [];
  return Number(major) * 100 + Number(minor) >= 319;
}

/** `--criu`, for all commands. */
export const WITH_CRIU: readonly string[] = ["--criu", CRIU];

/** What comes through the pipe of stderr after all that the command itself has written there. */
const ENDED = "ended with code ";

/** Two pipes that live as long as the container: "$0" "$@" writes to them, and two processes to files. */
const PIPES =
  `{ { "$0" "$@" </dev/null 3>&-; echo "${ENDED}$?" >&2; } 2>&1 >&3 | cat >>"$ERR"; } 3>&1 | cat >>"$OUT" &`;

/**
 * Runs a command whose stdout and stderr are pipes, as a manager of containers does it: what comes out is added to files.
 * A descriptor of a file outside could not be dumped.
 */
export async function piped(
  box: Sandbox,
  args: readonly string[],
  program: readonly string[] = runo(box),
): Promise<Result> {
  const [command, ...rest] = [...program, ...args];
  const env = { OUT: outputOf(box), ERR: `${box.dir}/piped-err` };
  Deno.writeTextFileSync(env.ERR, "");
  const shell = new Deno.Command("sh", {
    args: ["-c", PIPES, command!, ...rest],
    env,
    cwd: box.dir,
    stdout: "null",
    stderr: "null",
  });
  await shell.output();
  const end = new RegExp(`${ENDED}(\\d+)\n`);
  await until(() => end.test(Deno.readTextFileSync(env.ERR)), `the end of ${args.join(" ")}`);
  const [stderr = "", code = ""] = Deno.readTextFileSync(env.ERR).split(end);
  return { code: Number(code), stdout: "", stderr };
}

/** runo with its global flags. */
export function runo(box: Sandbox): readonly string[] {
  return [RUNO, "--root", box.root, ...WITH_CRIU];
}

/** The file with all that the container has printed, in all its lives. */
function outputOf(box: Sandbox): string {
  return `${box.dir}/piped-out`;
}

/** The lines that the container has printed so far. */
export function printedLines(box: Sandbox): string[] {
  return exists(outputOf(box)) ? Deno.readTextFileSync(outputOf(box)).split("\n").slice(0, -1) : [];
}

/** Waits until the container has printed that many lines more. */
export async function printsMore(box: Sandbox, count: number): Promise<void> {
  const wanted = printedLines(box).length + count;
  await until(() => printedLines(box).length >= wanted, `${count} more lines`);
}

/** A program that counts, a line for each number. */
export const COUNTING: readonly string[] = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"];

/** Starts a container that counts. */
export async function counting(box: Sandbox): Promise<void> {
  assertEquals(await piped(box, ["run", "--detach", "--bundle", box.bundle, box.id]), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  await printsMore(box, 2);
}

/** Insists that the lines are the numbers from 1 on: nothing lost, nothing twice, whatever happened in between. */
export function assertCounted(box: Sandbox): void {
  const lines = printedLines(box);
  assertEquals(lines, lines.map((_, i) => String(i + 1)));
}

/** Shell words that wait until somebody listens on port 7000. */
export const LISTENING = "until grep -qs ':1B58 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; do sleep 0.02; done";

/** A shell script with a connection to itself over the loopback device, whose echo is in a file. */
export const CONNECTED =
  `nc -l -p 7000 -e cat & ${LISTENING}; (echo hello; sleep 1000) | nc 127.0.0.1 7000 >/tmp/echo & wait`;

/** A port of the loopback device that nobody uses. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Directory of the images. */
export function imagesOf(box: Sandbox): string {
  return `${box.dir}/images`;
}

/** Checkpoints the container. */
export function checkpoint(box: Sandbox, ...args: readonly string[]): Promise<Result> {
  return box.runo([...WITH_CRIU, "checkpoint", "--image-path", imagesOf(box), ...args, box.id]);
}

/** Restores it, detached. */
export function restore(box: Sandbox, ...args: readonly string[]): Promise<Result> {
  return piped(box, ["restore", "--detach", "--bundle", box.bundle, "--image-path", imagesOf(box), ...args, box.id]);
}
