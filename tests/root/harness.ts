/**
 * What the tests on real containers stand on: a sandbox for each test, with a state root, a cgroup, a bundle and the
 * executable. At its end it removes what the test made and fails when anything is left on the machine.
 *
 *     rootTest("run() exits as the program does", async () => {
 *       await using box = sandbox();
 *       assertEquals((await box.run({ "process.args": ["sh", "-c", "exit 3"] })).code, 3);
 *     });
 */

import { assert, assertEquals } from "@std/assert";

import { changed, type Changes } from "../unit/core/spec/config.ts";
import { makeRootfs } from "./support/rootfs.ts";
import { leftovers } from "./support/leftovers.ts";
import { execute, type ExecuteOptions, PATIENCE, type Result, start } from "./support/command.ts";

export { type Result } from "./support/command.ts";
export { type Changes, map, namespaces } from "../unit/core/spec/config.ts";

/** The executable under test: `RUNO`, or what `deno task compile` makes. */
export const RUNO: string = Deno.env.get("RUNO") ?? new URL("../../dist/runo", import.meta.url).pathname;

/** Why tests on real containers cannot run here, or undefined. */
function obstacle(): string | undefined {
  if (Deno.uid() !== 0) return "it needs root";
  if (!exists(RUNO)) return `there is no ${RUNO}: deno task compile`;
  return exists("/bin/busybox") ? undefined : "it needs the package busybox-static";
}

/** A test that makes containers. `unless` names what this machine lacks; such a test counts as skipped. */
export function rootTest(name: string, run: () => Promise<void>, unless?: string | false): void {
  const reason = obstacle() ?? (unless || undefined);
  Deno.test({
    name: reason === undefined ? name : `${name} (skipped: ${reason})`,
    ignore: reason !== undefined,
    fn: run,
  });
}

/** True when there is a file of that name, whatever it is. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What every config of the tests has, beside the defaults of `spec`. */
const COMMON: Changes = {
  "process.terminal": false,
  "process.args": ["true"],
  "process.rlimits": undefined,
  "root.readonly": false,
};

let counter = 0;

/** A new sandbox, with a bundle whose config has these changes. */
export function sandbox(changes: Changes = {}): Sandbox {
  return new Sandbox(changes);
}

/** See `sandbox()`. */
export class Sandbox implements AsyncDisposable {
  /** The id that every command of this sandbox uses unless told otherwise; no other test has it. */
  readonly id: string = `t${Deno.pid}-${counter++}`;
  /** All files of the test. */
  readonly dir: string = Deno.makeTempDirSync({ prefix: "runo-test-" });
  readonly root: string = `${this.dir}/state`;
  readonly bundle: string = `${this.dir}/bundle`;
  readonly rootfs: string = `${this.bundle}/rootfs`;
  /** For linux.cgroupsPath. */
  readonly cgroup: string = `/runo-test/${this.id}`;

  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = { ...COMMON, "linux.cgroupsPath": this.cgroup, ...changes };
    Deno.chmodSync(this.dir, 0o755);
    Deno.mkdirSync(this.bundle);
    makeRootfs(this.rootfs);
    this.configure({});
  }

  /** Writes config.json anew: that of the sandbox with these changes, by path ("process.user.uid"). */
  configure(changes: Changes): void {
    const spec = changed({ ...this.#changes, ...changes });
    Deno.writeTextFileSync(`${this.bundle}/config.json`, JSON.stringify(spec));
  }

  /** Writes a file below the root file system; a text that begins with "#!" is made executable. */
  file(path: string, text: string): void {
    const at = `${this.rootfs}/${path}`;
    Deno.mkdirSync(at.slice(0, at.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(at, text);
    if (text.startsWith("#!")) Deno.chmodSync(at, 0o755);
  }

  /** Runs the executable with this sandbox' state root. */
  runo(args: readonly string[], options: ExecuteOptions = {}): Promise<Result> {
    return execute([RUNO, "--root", this.root, ...args], this.#with(options));
  }

  /** Runs another program. */
  command(words: readonly string[], options: ExecuteOptions = {}): Promise<Result> {
    return execute(words, this.#with(options));
  }

  /** The same, without waiting. */
  start(args: readonly string[], options: ExecuteOptions = {}): ReturnType<typeof start> {
    return start([RUNO, "--root", this.root, ...args], this.#with(options));
  }

  #with(options: ExecuteOptions): ExecuteOptions {
    return { cwd: this.dir, ...options };
  }

  /** Runs it and insists on exit code 0 and an empty stderr. @returns stdout */
  async ok(...args: readonly string[]): Promise<string> {
    return succeeded(await this.runo(args), args.join(" "));
  }

  /** Runs it and insists on exit code 1 (or another) with one line on stderr. @returns that line */
  async fails(args: readonly string[], code = 1): Promise<string> {
    return failed(await this.runo(args), code);
  }

  /** Writes the config, if there are changes, and runs the container in the foreground. */
  run(changes?: Changes, options: ExecuteOptions & { args?: readonly string[] } = {}): Promise<Result> {
    if (changes !== undefined) this.configure(changes);
    const { args = [], ...how } = options;
    return this.runo(["run", "--bundle", this.bundle, ...args, this.id], how);
  }

  /** What a container prints that runs this shell script, which must end well. */
  async shell(script: string, changes: Changes = {}): Promise<string> {
    return succeeded(await this.run({ "process.args": ["sh", "-c", script], ...changes }), script);
  }

  /** The one line of error that `run` prints. */
  async refused(changes: Changes): Promise<string> {
    return failed(await this.run(changes), 1);
  }

  /** Creates the container; its program is one that sleeps unless there are other changes. @returns the pid of init */
  async create(changes?: Changes, ...args: readonly string[]): Promise<number> {
    if (changes !== undefined) this.configure(changes);
    await this.ok("create", "--bundle", this.bundle, ...args, this.id);
    return await this.pid();
  }

  /** Creates and starts a container that sleeps. @returns the pid of init */
  async sleeping(changes: Changes = {}): Promise<number> {
    const pid = await this.create({ "process.args": ["sleep", "1000"], ...changes });
    await this.ok("start", this.id);
    return pid;
  }

  /** What `state` prints. */
  async state(id: string = this.id): Promise<Record<string, unknown> & { status: string; pid: number }> {
    return JSON.parse(await this.ok("state", id));
  }

  async pid(): Promise<number> {
    return (await this.state()).pid;
  }

  async status(): Promise<string> {
    return (await this.state()).status;
  }

  /** Waits until the container has this status. */
  async reaches(status: string): Promise<void> {
    await until(async () => (await this.status()) === status, `status "${status}"`);
  }

  /** Waits until a command has printed this. */
  async reachesOutput(running: ReturnType<typeof start>, text: string): Promise<void> {
    await until(() => running.stdout().includes(text), `output ${JSON.stringify(text)}`);
  }

  /** The state directory. */
  get stateDir(): string {
    return `${this.root}/${this.id}`;
  }

  /** The content of state.json. */
  // deno-lint-ignore no-explicit-any
  stateFile(): any {
    return JSON.parse(Deno.readTextFileSync(`${this.stateDir}/state.json`));
  }

  /** Everything that the machine still has of this sandbox; nothing when the test has deleted its containers. */
  leftovers(): string[] {
    return leftovers(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ids = exists(this.root) ? [...Deno.readDirSync(this.root)].map(({ name }) => name) : [];
    const errors: string[] = [];
    for (const id of ids) {
      const { code, stderr } = await this.runo(["delete", "--force", id]);
      if (code !== 0) errors.push(`delete --force ${id}: ${stderr}`);
    }
    errors.push(...this.leftovers());
    try {
      Deno.removeSync(this.dir, { recursive: true });
    } catch (error) {
      errors.push(String(error));
    }
    assertEquals(errors, [], "left behind");
  }
}

/** Insists on success without a word on stderr. @returns stdout */
export function succeeded({ code, stdout, stderr }: Result, what = "the command"): string {
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, `${what} must succeed, stdout ${JSON.stringify(stdout)}`);
  return stdout;
}

/** Insists on failure with this code and one line on stderr. @returns its message, without the log's frame */
export function failed({ code, stdout, stderr }: Result, expected = 1): string {
  assertEquals(code, expected, `stdout ${JSON.stringify(stdout)}, stderr ${JSON.stringify(stderr)}`);
  const lines = stderr.split("\n").filter((line) => line !== "");
  assertEquals(lines.length, 1, `one line of error, not ${JSON.stringify(lines)}`);
  const message = /^time="[^"]+" level=error msg=(".*")$/.exec(lines[0]!)?.[1];
  return message === undefined ? lines[0]! : JSON.parse(message);
}

/** Waits until something is so; fails after half a minute, or more where everything takes longer. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000 * PATIENCE;
  while (!await holds()) {
    assert(performance.now() < deadline, `waited in vain for ${what}`);
    await sleep(10);
  }
}

/** Lets milliseconds pass. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A line of /proc/PID/status. */
export function processStatus(pid: number, field: string): string {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
}

/** Shell words that wait for a file, half a minute at least but not for ever: a loop that outlives its test would run for ever. */
export function awaiting(path: string): string {
  return `i=0; until test -e ${path} || test $i = 1500; do sleep 0.02; i=$((i+1)); done`;
}
