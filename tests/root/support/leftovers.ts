/** What a test may have left on the machine. */

/** What is looked for. */
interface Traces {
  readonly dir: string;
  readonly root: string;
  readonly cgroup: string;
}

/** Processes, mounts, cgroups and state directories of a sandbox, as lines. */
export function leftovers({ dir, root, cgroup }: Traces): string[] {
  return [
    ...mounts(dir).map((line) => `mount: ${line}`),
    ...processes(cgroup).map((line) => `process: ${line}`),
    ...cgroups(cgroup).map((path) => `cgroup: ${path}`),
    ...entries(root).map((name) => `state directory: ${name}`),
  ];
}

function mounts(dir: string): string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n").filter((line) => line.includes(` ${dir}`));
}

/** Processes in the cgroup or below it. Zombies are not counted: that they are reaped is up to the machine's pid 1. */
export function processes(cgroup: string): string[] {
  return pids().flatMap((pid) => {
    const lines = read(`/proc/${pid}/cgroup`).split("\n");
    const inside = lines.some((line) => line.endsWith(`:${cgroup}`) || line.includes(`:${cgroup}/`));
    return inside && !isZombie(pid) ? [`${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`] : [];
  });
}

function isZombie(pid: string): boolean {
  return /\) Z /.test(read(`/proc/${pid}/stat`));
}

function pids(): string[] {
  return entries("/proc").filter((name) => /^\d+$/.test(name));
}

function cgroups(cgroup: string): string[] {
  const hierarchies = ["/sys/fs/cgroup", ...entries("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  return hierarchies.map((hierarchy) => `${hierarchy}${cgroup}`).filter((path) => isDirectory(path));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

function entries(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
