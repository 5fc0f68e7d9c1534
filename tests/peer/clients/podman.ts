/** podman below a directory of its own, with a certain runtime. */

import type { Outcome } from "./command.ts";
import { Engine } from "./engine.ts";

/**
 * podman, and what its container wrote also when podman does not show it: conmon looks for children that have ended
 * once before it accepts podman's connection. On a busy machine a container may have ended by then; conmon writes its
 * output to the log alone, and podman prints nothing and returns the right code, with any runtime.
 */
export class Podman extends Engine {
  protected override async attached(foreground: (more: readonly string[]) => Promise<Outcome>): Promise<Outcome> {
    const directory = await Deno.makeTempDir({ prefix: "runo-podman-log-" }), path = `${directory}/log`;
    try {
      await Deno.chmod(directory, 0o777);
      const outcome = await foreground(["--log-driver", "k8s-file", "--log-opt", `path=${path}`]);
      const log = await Deno.readTextFile(path).catch(() => "");
      return {
        code: outcome.code,
        stdout: outcome.stdout || logged(log, "stdout"),
        stderr: outcome.stderr || logged(log, "stderr"),
      };
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
}

/** A stream in conmon's log, whose lines are "TIME STREAM F TEXT", or P where no newline follows the text. */
function logged(log: string, stream: string): string {
  const lines = log.matchAll(new RegExp(`^\\S+ ${stream} ([FP]) ([^\n]*\n)`, "gm"));
  return Array.from(lines, ([, end, text]) => end === "F" ? text! : text!.slice(0, -1)).join("");
}

/** @param before words before the command, like env(1) and its variables */
export function podman(directory: string, runtime: string, before: readonly string[] = []): Podman {
  const storage = ["--root", `${directory}/root`, "--runroot", `${directory}/run`, "--tmpdir", `${directory}/tmp`];
  const prefix = [
    ...before,
    "podman",
    ...storage,
    "--storage-driver",
    "vfs",
    "--cgroup-manager=cgroupfs",
    "--events-backend=file",
  ];
  // without CAP_SYS_RESOURCE podman's own limits cannot be set
  const limits = ["--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1000:1000"];
  return new Podman([...prefix, "--runtime", runtime], ["--network", "none", ...limits], directory);
}
