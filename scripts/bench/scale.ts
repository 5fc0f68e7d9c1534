/** What grows with the number of mounts, and of containers. */

import { type Medians, takeTurns, time } from "./measure.ts";
import { Bundle, type Runtime } from "./runtimes.ts";

/** `run` with this many bind mounts. */
export function benchMounts(directory: string, all: readonly Runtime[], count: number, rounds: number): Medians {
  const bundle = new Bundle(directory);
  const mounts = Array.from({ length: count }, (_, i) => ({
    ...{ destination: `/tmp/${i}`, type: "bind", source: `${bundle.directory}/rootfs/bin` },
    options: ["bind", "ro", "nosuid"],
  }));
  bundle.configure(["/bin/true"], (config) => {
    config.root.readonly = false;
    config.mounts.push(...mounts);
  });
  const subjects = all.map(({ name, prefix }) => ({
    name,
    round: (n: number) => ({
      [`run, ${count} mounts`]: time([...prefix, "run", "--bundle", bundle.directory, `runo-bench-mounts-${n}`]),
    }),
  }));
  return takeTurns(subjects, rounds);
}

/** `list` with this many containers: one that was made, and copies of its state. */
export function benchList(directory: string, all: readonly Runtime[], count: number, rounds: number): Medians {
  const bundle = new Bundle(directory);
  bundle.configure(["/bin/sleep", "1000"]);
  for (const { prefix, root } of all) {
    time([...prefix, "create", "--bundle", bundle.directory, "runo-bench-0"]);
    for (let n = 1; n < count; n++) copyState(`${root}/runo-bench-0`, `${root}/runo-bench-${n}`);
  }
  const subjects = all.map(({ name, prefix }) => ({
    name,
    round: () => ({ [`list, ${count} containers`]: time([...prefix, "list"]) }),
  }));
  try {
    return takeTurns(subjects, rounds);
  } finally {
    for (const { prefix, root } of all) {
      for (let n = 1; n < count; n++) Deno.removeSync(`${root}/runo-bench-${n}`, { recursive: true });
      time([...prefix, "delete", "--force", "runo-bench-0"]);
    }
  }
}

function copyState(from: string, to: string): void {
  Deno.mkdirSync(to);
  const [old, id] = [from, to].map((path) => path.slice(path.lastIndexOf("/") + 1));
  for (const { name, isFile } of Deno.readDirSync(from)) {
    if (!isFile || name === "exec.fifo") continue;
    Deno.writeTextFileSync(`${to}/${name}`, Deno.readTextFileSync(`${from}/${name}`).replaceAll(`"${old}"`, `"${id}"`));
  }
}
