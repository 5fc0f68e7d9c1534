/** Programs of the host that runo calls: found through its own PATH, run with a clean environment. */

/** How a program ended and what it said. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The path of a program, or undefined. Where the caller happens to be is no place to look for one. */
export function findTool(name: string): string | undefined {
  const path = Deno.env.get("PATH") || "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const files = path.split(":").filter((directory) => directory.startsWith("/")).map((directory) =>
    `${directory}/${name}`
  );
  return files.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** Runs a program to its end. */
export function runTool(path: string, args: readonly string[]): CommandResult {
  const output = new Deno.Command(path, { args: [...args], clearEnv: true, stdin: "null" }).outputSync();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}
