/** podman and docker, which take the same commands: one set of scenarios for both. */

import { command, type CommandOptions, onTerminal, type Outcome, succeed } from "./command.ts";

/** The name that the image is imported under. */
export const IMAGE = "localhost/runo-peer:latest";

let containers = 0;

/** A client that uses one certain runtime. */
export class Engine {
  readonly #prefix: readonly string[];
  /** What every `run` and `create` is given. */
  readonly createArguments: readonly string[];
  readonly #cwd: string;
  readonly #names: string[] = [];

  /**
   * @param prefix the client and its global flags
   * @param createArguments what every `run` and `create` is given
   * @param cwd where it is called: conmon leaves a file there when a container runs out of memory
   */
  constructor(prefix: readonly string[], createArguments: readonly string[], cwd: string) {
    this.#prefix = prefix;
    this.#cwd = cwd;
    this.createArguments = createArguments;
  }

  /** A new container name; it is removed at the end of the scenario. */
  name(): string {
    const name = `runo-peer-${Deno.pid}-${++containers}`;
    this.#names.push(name);
    return name;
  }

  /** `run` in the foreground with the client's own flags; the image and the command are the last arguments. */
  run(flags: readonly string[], argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
    return this.attached((more) => this.call(this.#run([...more, ...flags], argv), options));
  }

  /** `run --rm`: what the container printed and its exit code. */
  async once(flags: readonly string[], argv: readonly string[], options: CommandOptions = {}): Promise<Seen> {
    const outcome = await this.run(["--rm", ...flags], argv, options);
    if (outcome.code === 125) throw new Error(`the client itself failed: ${outcome.stderr}`);
    return seen(outcome);
  }

  /** `run --rm -t` from a terminal. */
  async onceOnTerminal(flags: readonly string[], argv: readonly string[]): Promise<Seen> {
    const whole = (more: readonly string[]) => [...this.#prefix, ...this.#run([...more, "--rm", "-t", ...flags], argv)];
    return seen(await this.attached((more) => onTerminal(whole(more))));
  }

  /** `create`, then `start -a`. */
  async started(argv: readonly string[]): Promise<Seen> {
    const name = this.name();
    return seen(
      await this.attached(async (more) => {
        await this.must(["create", "--name", name, ...this.createArguments, ...more, IMAGE, ...argv]);
        return await this.call(["start", "-a", name]);
      }),
    );
  }

  /** A running container. @returns its name */
  async detached(flags: readonly string[], argv: readonly string[]): Promise<string> {
    const name = this.name();
    const { code, stderr } = await this.call(this.#run(["-d", "--name", name, ...flags], argv));
    if (code !== 0) throw new Error(`run -d: exit code ${code}: ${stderr}`);
    return name;
  }

  #run(flags: readonly string[], argv: readonly string[]): string[] {
    return ["run", ...this.createArguments, ...flags, IMAGE, ...argv];
  }

  /**
   * A container whose output comes through the client.
   * @param foreground runs it, with more flags for its making
   */
  protected attached(foreground: (more: readonly string[]) => Promise<Outcome>): Promise<Outcome> {
    return foreground([]);
  }

  /** A shell command in a running container. */
  async exec(name: string, script: string, flags: readonly string[] = []): Promise<Seen> {
    return seen(await this.call(["exec", ...flags, name, "sh", "-c", script]));
  }

  /** Any command of the client. */
  call(argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
    return command([...this.#prefix, ...argv], { ...options, cwd: this.#cwd });
  }

  /** Any command that must succeed. */
  must(argv: readonly string[]): Promise<string> {
    return succeed([...this.#prefix, ...argv]);
  }

  /** A value from `inspect`. */
  inspect(name: string, format: string): Promise<string> {
    return this.must(["inspect", "--format", format, name]);
  }

  /** Removes what the scenario left. */
  async clean(): Promise<void> {
    if (this.#names.length > 0) await this.call(["rm", "-f", ...this.#names.splice(0)]);
  }
}

/** What of an outcome is compared. */
export interface Seen {
  readonly code: number;
  readonly stdout: string;
}

/** The comparable part of an outcome. */
export function seen({ code, stdout }: Outcome): Seen {
  return { code, stdout };
}
