/** podman below a directory of its own, with a certain runtime. */

import { Engine } from "./engine.ts";

/** @param before words before the command, like env(1) and its variables */
export function podman(directory: string, runtime: string, before: readonly string[] = []): Engine {
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
  return new Engine([...prefix, "--runtime", runtime], ["--network", "none", ...limits], directory);
}
