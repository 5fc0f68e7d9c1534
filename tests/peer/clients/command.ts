/** Running the clients' command lines, each under a time limit. */

/** How a command ended and what it printed. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is given. */
export interface CommandOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Seconds until it is killed; then its code is 124, as of timeout(1). */
  readonly seconds?: number;
}

/** Runs a command to its end. */
export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const child = new Deno.Command("timeout", {
    args: ["-k", "5", String(options.seconds ?? 60), ...argv],
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...options.env === undefined ? {} : { env: options.env },
    ...options.cwd === undefined ? {} : { cwd: options.cwd },
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Runs a command that must succeed. @returns what it printed, without the last newline */
export async function succeed(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await command(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}: ${stderr}`);
  return stdout.trimEnd();
}

/** Runs a command with a terminal as its stdio, as script(1) gives it. */
export async function onTerminal(argv: readonly string[]): Promise<Outcome> {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const outcome = await command(["script", "-qec", quoted, "/dev/null"]);
  // without an input script types an end of file, which may be echoed as NUL
  return { ...outcome, stdout: outcome.stdout.replaceAll("^@", "") };
}

/** True when the program is installed. */
export async function installed(program: string): Promise<boolean> {
  return (await command(["sh", "-c", `command -v ${program}`])).code === 0;
}
