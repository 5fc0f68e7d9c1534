/** What the kernel says about the cgroup of a sandbox, on a hybrid host (v1 beside v2). */

import { attachedDeviceFilters } from "../../../ffi/bpf.ts";
import { openDirectory } from "../../../ffi/file.ts";
import type { Sandbox } from "../harness.ts";

const ROOT = "/sys/fs/cgroup";

/** The names of the hierarchies that are mounted; other directories there may be anyone's. */
export function hierarchies(): string[] {
  return Deno.readTextFileSync("/proc/self/mounts").split("\n").flatMap((line) => {
    const [, place = "", type = ""] = line.split(" ");
    return type.startsWith("cgroup") && place.startsWith(`${ROOT}/`) ? [place.slice(ROOT.length + 1)] : [];
  }).sort();
}

/** One of its files: "memory/memory.limit_in_bytes"; or of a cgroup below it. */
export function cgroupFile(box: Sandbox, file: string, below = ""): string {
  const [hierarchy, name] = file.split("/");
  return Deno.readTextFileSync(`${ROOT}/${hierarchy}${box.cgroup}/${below}/${name}`).trimEnd();
}

/** Several of them. */
export function cgroupFiles(box: Sandbox, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(files).map((file) => [file, cgroupFile(box, file)]));
}

/** Numbers of the first whole disk of this machine, for limits of block I/O. */
export function disk(): { major: number; minor: number } {
  for (const { name } of Deno.readDirSync("/sys/block")) {
    const [major = 0, minor = 0] = Deno.readTextFileSync(`/sys/block/${name}/dev`).trim().split(":").map(Number);
    const size = Number(Deno.readTextFileSync(`/sys/block/${name}/size`));
    if (size > 0) return { major, minor };
  }
  throw new Error("this machine has no disk");
}

/** The cgroup of a sandbox in all hierarchies, to be the parent of a container's; removed at the end if it is empty then. */
export function parentCgroup(box: Sandbox): Disposable & { write(file: string, value: string): void } {
  const paths = hierarchies().map((name) => `${ROOT}/${name}${box.cgroup}`);
  for (const path of paths) Deno.mkdirSync(path, { recursive: true });
  return {
    write: (file, value) => {
      const [hierarchy, name] = file.split("/");
      Deno.writeTextFileSync(`${ROOT}/${hierarchy}${box.cgroup}/${name}`, value, { create: false });
    },
    [Symbol.dispose]: () => paths.forEach((path) => Deno.removeSync(path)),
  };
}

/** How many device filters are attached to a cgroup of v2. */
export function deviceFilters(path: string): number {
  using directory = openDirectory(path);
  const filters = attachedDeviceFilters(directory);
  for (const filter of filters) filter[Symbol.dispose]();
  return filters.length;
}
