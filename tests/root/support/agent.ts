/** Starts the seccomp agent of the tests. */

import { exists, type Sandbox, until } from "../harness.ts";
import type { Answer } from "./seccomp_agent.ts";

/** What an agent wrote down. */
export interface AgentLog {
  /** The container process states that came with the listeners. */
  // deno-lint-ignore no-explicit-any
  readonly messages: readonly any[];
  /** The numbers of the system calls that it was asked about. */
  readonly calls: readonly number[];
}

/** An agent that runs. */
export class Agent implements AsyncDisposable {
  readonly socket: string;
  readonly #log: string;
  readonly #child: Deno.ChildProcess;

  constructor(box: Sandbox, answers: Readonly<Record<string, Answer>>) {
    this.socket = `${box.dir}/agent.sock`;
    this.#log = `${box.dir}/agent.log`;
    const program = new URL("seccomp_agent.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", program, this.socket, this.#log, JSON.stringify(answers)],
      stdin: "null",
      stdout: "null",
    }).spawn();
  }

  /** What it wrote down so far. */
  log(): AgentLog {
    const entries = exists(this.#log)
      ? Deno.readTextFileSync(this.#log).trim().split("\n").map((line) => JSON.parse(line))
      : [];
    return {
      messages: entries.flatMap(({ message }) => message ?? []),
      calls: entries.flatMap(({ call }) => call ?? []),
    };
  }

  /** Ends it, without a word to anybody. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.kill();
    } catch {
      // the test has killed it
    }
  }
}

/** Starts an agent that answers system calls, by their numbers, and lets all others go on. */
export async function startAgent(box: Sandbox, answers: Readonly<Record<string, Answer>> = {}): Promise<Agent> {
  const agent = new Agent(box, answers);
  await until(() => exists(agent.socket), "the agent's socket");
  return agent;
}
