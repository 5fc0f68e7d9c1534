/** What attacks are after: files of the host that must be as they were. */

import { assertEquals } from "@std/assert";

/** A directory of the host, and the host's mounts, looked at before an attack and after. */
export class Victim {
  readonly dir: string;
  readonly #before: readonly string[];
  readonly #mounts: readonly string[];

  /** Makes a directory with a few files, among them those that runtimes like to make in /dev. */
  constructor(dir: string) {
    this.dir = dir;
    Deno.mkdirSync(`${dir}/pts`, { recursive: true });
    for (const name of ["ptmx", "null", "console", "passwd", "fd", "pts/ptmx"]) {
      Deno.writeTextFileSync(`${dir}/${name}`, `${name} of the host`);
    }
    this.#before = census(dir);
    this.#mounts = hostMounts(dir);
  }

  /** Insists that nothing has changed. */
  assertUntouched(message?: string): void {
    assertEquals(census(this.dir), this.#before, message);
    assertEquals(hostMounts(this.dir), this.#mounts, message);
  }
}

/** Every file below with its type, mode, owner, number, size, time of change and content. */
function census(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => `${dir}/${name}`).sort().flatMap((path) => {
    const { isDirectory, isFile, mode, uid, gid, ino, size, ctime } = Deno.lstatSync(path);
    const content = isFile ? Deno.readTextFileSync(path) : "";
    const line = [path, mode, uid, gid, ino, size, ctime?.getTime(), content].join(" ");
    return isDirectory ? [line, ...census(path)] : [line];
  });
}

/** Mounts on the directory's surroundings and on places of the system: tests that run at the same time have others. */
function hostMounts(dir: string): string[] {
  const places = [
    dir.slice(0, dir.lastIndexOf("/")),
    "/etc",
    "/dev",
    "/proc",
    "/sys",
    "/usr",
    "/bin",
    "/root",
    "/home",
  ];
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n").filter((line) => {
    const at = line.split(" ")[4] ?? "";
    return at === "/" || places.some((place) => at === place || at.startsWith(`${place}/`));
  });
}
