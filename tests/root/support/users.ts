/** Ordinary users, made for one test and removed with it. */

import { RUNO } from "../harness.ts";
import { execute, type ExecuteOptions, type Result } from "./command.ts";

let counter = 0;

/** A user with a home directory of its own and, unless told otherwise, ranges in /etc/subuid and /etc/subgid. */
export class TestUser implements AsyncDisposable {
  readonly name: string;
  readonly home: string;
  readonly uid: number;
  /** First of the ids that it may map, and how many; undefined without. */
  readonly range: { readonly first: number; readonly size: number } | undefined;

  private constructor(name: string, home: string) {
    this.name = name;
    this.home = home;
    this.uid = Number(lineOf("/etc/passwd", name)?.[2]);
    const [, first, size] = lineOf("/etc/subuid", name) ?? [];
    this.range = first === undefined ? undefined : { first: Number(first), size: Number(size) };
  }

  static async make({ ranges = true }: { readonly ranges?: boolean } = {}): Promise<TestUser> {
    const name = `runo-t${Deno.pid}-${counter++}`;
    const home = Deno.makeTempDirSync({ prefix: "runo-test-home-" });
    Deno.chmodSync(home, 0o755);
    // a system user gets no ranges
    await administer(["useradd", "--no-create-home", "--home-dir", home, ...ranges ? [] : ["--system"], name]);
    const user = new TestUser(name, home);
    Deno.mkdirSync(`${home}/run`, { mode: 0o700 });
    // where the executable lies the user may have no rights
    link(RUNO, `${home}/runo`);
    await administer(["chown", `${name}:`, home, `${home}/run`]);
    return user;
  }

  /** Runs a shell script as the user, in its home, with a poor environment: `runo` is there, XDG_RUNTIME_DIR is set. */
  sh(script: string, { env = {}, ...options }: ExecuteOptions = {}): Promise<Result> {
    const variables = {
      PATH: `${this.home}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: this.home,
      USER: this.name,
      XDG_RUNTIME_DIR: `${this.home}/run`,
      ...env,
    };
    const words = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
    const command = [
      "setpriv",
      "--reuid",
      this.name,
      "--regid",
      this.name,
      "--init-groups",
      "env",
      "-i",
      ...words,
    ];
    return execute([...command, "/bin/sh", "-c", script], { cwd: this.home, ...options });
  }

  /** Gives it a file or a tree. */
  async own(path: string): Promise<void> {
    await administer(["chown", "-R", `${this.name}:`, path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await administer(["userdel", "--force", this.name]);
    Deno.removeSync(this.home, { recursive: true });
  }
}

function lineOf(file: string, name: string): string[] | undefined {
  return Deno.readTextFileSync(file).split("\n").map((line) => line.split(":")).find(([first]) => first === name);
}

function link(from: string, to: string): void {
  try {
    Deno.linkSync(from, to);
  } catch {
    Deno.copyFileSync(from, to);
    Deno.chmodSync(to, 0o755);
  }
}

/** Runs a command that locks /etc/passwd: tests that run at the same time make users as well. */
async function administer(command: readonly string[]): Promise<void> {
  for (let attempt = 0;; attempt++) {
    const { code, stderr } = await execute(command);
    if (code === 0) return;
    if (attempt === 50 || !stderr.includes("cannot lock")) throw new Error(`${command.join(" ")}: ${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
