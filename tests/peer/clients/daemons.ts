/** A containerd and a dockerd of the tests' own, below a temporary directory. */

import { command } from "./command.ts";

/** A daemon that ends when it is disposed. */
export class Daemon implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #log: string;

  /** Starts it; all it prints goes to the log. */
  constructor(argv: readonly string[], log: string) {
    this.#log = log;
    this.#process = new Deno.Command("sh", {
      args: ["-c", `exec "$@" > "$0" 2>&1`, log, ...argv],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Waits until the probe succeeds. */
  async ready(probe: readonly string[]): Promise<void> {
    for (let n = 0; n < 600; n++) {
      if ((await command(probe, { seconds: 5 })).code === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`daemon is not ready: ${(await Deno.readTextFile(this.#log)).slice(-2000)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // it has ended by itself
    }
    await this.#process.status;
  }
}

const DISABLED = ["aufs", "btrfs", "devmapper", "zfs"].map((name) => `io.containerd.snapshotter.v1.${name}`);

/**
 * Starts containerd below the directory; its socket is `containerd.sock` there.
 * @param before words before the command, like env(1) and its variables
 */
export async function startContainerd(directory: string, before: readonly string[] = []): Promise<Daemon> {
  const socket = `${directory}/containerd.sock`, config = `${directory}/containerd.toml`;
  await Deno.writeTextFile(
    config,
    `version = 2
root = "${directory}/containerd"
state = "${directory}/containerd-state"
disabled_plugins = ${JSON.stringify(["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", ...DISABLED])}
[grpc]
address = "${socket}"
`,
  );
  const daemon = new Daemon([...before, "containerd", "-c", config], `${directory}/containerd.log`);
  await daemon.ready(["ctr", "-a", socket, "version"]);
  return daemon;
}

/**
 * Starts dockerd on that containerd, with a runtime by the name of each entry; its socket is `docker.sock`.
 * @param flags more of them
 */
export async function startDockerd(
  directory: string,
  runtimes: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Daemon> {
  const socket = `unix://${directory}/docker.sock`;
  const daemon = new Daemon([
    "dockerd",
    ...["--containerd", `${directory}/containerd.sock`, "--data-root", `${directory}/docker`],
    ...["--exec-root", `${directory}/docker-exec`, "-H", socket, "--pidfile", `${directory}/docker.pid`],
    ...["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"],
    ...["--exec-opt", "native.cgroupdriver=cgroupfs"],
    ...flags,
    ...Object.entries(runtimes).flatMap(([name, path]) => ["--add-runtime", `${name}=${path}`]),
  ], `${directory}/docker.log`);
  await daemon.ready(["docker", "-H", socket, "info"]);
  return daemon;
}
